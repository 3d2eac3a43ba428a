// SPDX-License-Identifier: GPL-2.0

//! Pinned pages: memory of a process that stays where it is, and counts as pinned, until it is
//! dropped.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)
//!
//! What was pinned for reading may be somebody's file: nothing here writes it.

use crate::{
    base::{
        direction::Direction,
        gfp::Gfp, //
    },
    ffi,
    table::limits::SegmentLimits,
    walk::{
        cpu::{
            CpuTable,
            PageRun, //
        },
        list::List, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    dma::DataDirection,
    error::to_result,
    ffi::{
        c_int,
        c_ulong, //
    },
    mm::Mm,
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef, //
};

/// Pinned pages as what a table is made of, for use in direction `D`: see [`UserTable`](crate::UserTable).
///
/// ```
/// # use sgdma::{InFlight, PinnedPages, Shared, ToDevice};
/// /// A memory region that the device reads.
/// type ReadOnly<'bound> = InFlight<Shared<'bound, ToDevice, PinnedPages<ToDevice>>>;
/// ```
///
/// # Invariants
///
/// The pages of `pins` were pinned for writing if the device writes in direction `D`.
pub struct PinnedPages<D: Direction> {
    #[expect(dead_code, reason = "for its drop")]
    pins: Pins,
    _direction: PhantomData<D>,
}

impl<D: Direction> PinnedPages<D> {
    /// Pins `len` bytes of the calling process from `addr` on, and describes them by segments
    /// within `limits`; see [`UserTable::pin`](crate::UserTable::pin).
    ///
    /// Returns the pages, which of their bytes the buffer is, and the list that goes into one table
    /// with them.
    pub(crate) fn pin(
        addr: usize,
        len: usize,
        limits: SegmentLimits<'_>,
    ) -> Result<(Self, Range<usize>, List)> {
        let device_writes = !matches!(D::DIRECTION, DataDirection::ToDevice);
        let (pins, range, list) = pin(addr, len, device_writes, limits)?;
        // INVARIANT: Pinned for writing if the device writes.
        let owner = Self {
            pins,
            _direction: PhantomData,
        };
        Ok((owner, range, list))
    }
}

/// # Invariants
///
/// The list is a table's that outlives this value. The pages of its bytes are pinned, once each
/// time that the buffer has them; for writing if `device_writes`.
struct Pins {
    list: bindings::sg_table,
    device_writes: bool,
    // Last: they count as long as they are pinned.
    _account: Account,
}

// SAFETY: Pages are unpinned by any task.
unsafe impl Send for Pins {}
// SAFETY: It gives no access to them.
unsafe impl Sync for Pins {}

impl Drop for Pins {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the list is there still, and nobody changes it now.
        let table = unsafe { CpuTable::from_raw(&self.list) };
        for PageRun { first, count } in table.pages_once() {
            // SAFETY: By the type invariants the pages are pinned, and come up once for each pin.
            unsafe { ffi::sgdma_unpin_user_pages(first, count, self.device_writes) };
        }
    }
}

/// Pages that count for `RLIMIT_MEMLOCK` of the process that has had them pinned.
///
/// # Invariants
///
/// `pages` are counted in `mm`.
struct Account {
    mm: ARef<Mm>,
    pages: c_ulong,
}

impl Account {
    fn new(pages: usize) -> Result<Self> {
        // SAFETY: There is a current task.
        let mm = NonNull::new(unsafe { ffi::sgdma_current_mm() }).ok_or(EFAULT)?;
        // A reference to the structure, not to the memory: a process that ends is not held up.
        // SAFETY: It is the calling task's, so it stays during the call.
        let mm = ARef::from(unsafe { Mm::from_raw(mm.as_ptr()) });
        let pages = pages as c_ulong;
        // SAFETY: It is valid, as we hold a reference.
        if !unsafe { ffi::sgdma_account_pinned(mm.as_raw(), pages) } {
            return Err(ENOMEM);
        }
        // INVARIANT: Counted just now.
        Ok(Self { mm, pages })
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // SAFETY: It is valid, as we hold a reference; they were counted, by the type invariants.
        unsafe { ffi::sgdma_unaccount_pinned(self.mm.as_raw(), self.pages) };
    }
}

/// How many pages are pinned between two looks at signals.
const BATCH: usize = PAGE_SIZE / size_of::<*mut bindings::page>();

/// User pages on their way into a table: runs of neighbours.
///
/// # Invariants
///
/// As many pages from the first on are pinned, once for each run that they are in.
struct Pinned(KVVec<(*mut bindings::page, usize)>);

impl Pinned {
    /// Pins `nr_pages` pages of the calling process from `start` on; for writing if `write`.
    ///
    /// # Safety
    ///
    /// The process has memory of its own: it is no kernel thread.
    unsafe fn pin(start: usize, nr_pages: usize, write: bool) -> Result<Self> {
        let gfp = Gfp::from(GFP_KERNEL_ACCOUNT | __GFP_NOWARN).for_rust();
        let mut pinned = Self(KVVec::new());
        let mut batch = KVec::from_elem(core::ptr::null_mut(), BATCH.min(nr_pages), gfp)?;
        let mut done = 0;
        while done < nr_pages {
            let count = (nr_pages - done).min(batch.len());
            // First, so that what is then pinned has a place.
            pinned.0.reserve(count, gfp)?;
            // SAFETY: `batch` has room for `count` pages; the process has memory of its own, as the
            // caller promises.
            let got = unsafe {
                ffi::sgdma_pin_user_pages(
                    start + done * PAGE_SIZE,
                    count as c_int,
                    write,
                    batch.as_mut_ptr(),
                )
            };
            to_result(got)?;
            let got = usize::try_from(got)?.min(count);
            if got == 0 {
                return Err(EFAULT);
            }
            for &page in &batch[..got] {
                pinned.push(page)?;
            }
            done += got;
        }
        Ok(pinned)
    }

    /// Takes over a pinned page; there is a place for it.
    fn push(&mut self, page: *mut bindings::page) -> Result {
        // INVARIANT: The page is pinned, once more, and in one run more.
        match self.0.last_mut() {
            Some((first, count)) if first.wrapping_add(*count) == page => *count += 1,
            _ => self.0.push_within_capacity((page, 1))?,
        }
        Ok(())
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        self.0
            .iter()
            .flat_map(|&(first, count)| (0..count).map(move |i| first.wrapping_add(i)))
            .filter_map(NonNull::new)
    }

    /// Leaves the pages to the entries of `list`.
    ///
    /// # Safety
    ///
    /// - `list` has these pages, in this order, and outlives the result.
    /// - They were pinned for writing if `device_writes`.
    unsafe fn into_pins(mut self, list: &List, device_writes: bool, account: Account) -> Pins {
        self.0.clear();
        // INVARIANT: Nobody else unpins them now; the rest is promised.
        Pins {
            list: *list.sgt(),
            device_writes,
            _account: account,
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for &(first, count) in &self.0 {
            // SAFETY: By the type invariants they are pinned, and nobody else unpins them. No
            // device has seen them.
            unsafe { ffi::sgdma_unpin_user_pages(first, count, false) };
        }
    }
}

/// Pins as [`PinnedPages::pin`], for any direction.
fn pin(
    addr: usize,
    len: usize,
    device_writes: bool,
    limits: SegmentLimits<'_>,
) -> Result<(Pins, Range<usize>, List)> {
    let limits = limits.check()?;
    if len == 0 {
        return Err(EINVAL);
    }
    addr.checked_add(len).ok_or(EOVERFLOW)?;
    // SAFETY: Arithmetic on the two.
    if !unsafe { ffi::sgdma_access_ok(addr, len) } {
        return Err(EFAULT);
    }
    let offset = addr % PAGE_SIZE;
    let range = offset..offset + len;
    let nr_pages = range.end.div_ceil(PAGE_SIZE);

    // Dropped in the other order, on an error too.
    let account = Account::new(nr_pages)?;
    // SAFETY: Its memory has an account.
    let pinned = unsafe { Pinned::pin(addr - offset, nr_pages, device_writes) }?;
    // SAFETY: Pinned pages are valid as long as they are, which is longer than this takes; nobody
    // changes which ones they are.
    let list = unsafe {
        List::from_pages(
            || pinned.pages(),
            range.clone(),
            limits,
            Gfp::from(GFP_KERNEL_ACCOUNT),
        )
    }?;
    // SAFETY:
    // - Made of them, all of them, and put into the table with the result.
    // - They were pinned for writing in this case.
    let pins = unsafe { pinned.into_pins(&list, device_writes, account) };
    Ok((pins, range, list))
}
