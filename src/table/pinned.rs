// SPDX-License-Identifier: GPL-2.0

//! Pinned pages: memory of a process that stays in place for a device.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)
//!
//! The kernel may move or swap out the memory of a process at any time. Pinned pages stay where
//! they are until they are unpinned. They count against the process, up to `RLIMIT_MEMLOCK`,
//! because nobody else can use them.
//!
//! Pages that are pinned for reading may belong to a file that the process must not write. Nothing
//! here writes them.

use crate::{
    base::gfp::Gfp,
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
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
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

/// The parts of a table of pinned pages. The caller puts them into one table, so that the list
/// outlives the owner.
#[must_use]
pub(crate) struct PinnedBuffer {
    /// The owner of the pages.
    pub(crate) owner: PinnedPages,
    /// The bytes of these pages that are the buffer.
    pub(crate) range: Range<usize>,
    /// The list that describes these bytes.
    pub(crate) list: List,
}

/// Pinned pages as the owner of a table's pages: `pin_user_pages_fast()`.
///
/// [`UserTable::pin`](crate::UserTable::pin) makes a table of pinned pages. Dropping the table
/// unpins them.
///
/// ```
/// # use sgdma::{InFlight, PinnedPages, Shared, ToDevice};
/// /// A memory region that the device reads.
/// type ReadOnly<'bound> = InFlight<Shared<'bound, ToDevice, PinnedPages>>;
/// ```
///
/// # Invariants
///
/// - `list` is a copy of the structure of a list that outlives this value and is not changed while
///   this value is dropped.
/// - Each page that `CpuTable::pages_once()` yields for the list is pinned, once for each time that
///   it comes up, and for writing if `device_writes` is true.
#[doc(alias = "pin_user_pages_fast")]
pub struct PinnedPages {
    list: bindings::sg_table,
    device_writes: bool,
    // Is dropped after `drop()` has unpinned the pages, so that they are counted until then.
    _account: Account,
}

// SAFETY: Any task may unpin pages, and the list that `list` points to may be read by any task.
unsafe impl Send for PinnedPages {}
// SAFETY: A shared reference gives access to nothing.
unsafe impl Sync for PinnedPages {}

impl Drop for PinnedPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the list outlives this value, so that it is valid here,
        // its pages are valid as they are pinned, and nobody changes the list during the drop.
        let table = unsafe { CpuTable::from_raw(&self.list) };
        for PageRun { first, count } in table.pages_once() {
            // SAFETY: By the type invariants the pages are pinned, and come up once for each pin.
            // If the device may have written them, they are pinned for writing, as dirty pages must
            // be.
            unsafe { ffi::sgdma_unpin_user_pages(first, count, self.device_writes) };
        }
    }
}

/// Pages that are counted against `RLIMIT_MEMLOCK` of the process for which they are pinned.
///
/// # Invariants
///
/// `pages` is a part of the count of pinned pages of `mm`.
#[must_use = "the pages are counted until this value is dropped"]
struct Account {
    mm: ARef<Mm>,
    pages: c_ulong,
}

impl Account {
    /// Counts `pages` pages against the calling process.
    ///
    /// # Errors
    ///
    /// - `EFAULT` if the calling task has no memory of its own, as a kernel thread.
    /// - `ENOMEM` if the process may not pin so many pages.
    fn new(pages: usize) -> Result<Self> {
        // SAFETY: The function reads a field of the current task. Rust code always runs in a task,
        // or interrupts one.
        let mm = NonNull::new(unsafe { ffi::sgdma_current_mm() }).ok_or(EFAULT)?;
        // An `ARef<Mm>` holds the structure, but not the memory: a process that ends can free it.
        // SAFETY: `mm` belongs to the calling task, which holds a reference to it during the call.
        let mm = ARef::from(unsafe { Mm::from_raw(mm.as_ptr()) });
        let pages = pages as c_ulong;
        // SAFETY: `mm` is valid, as this function holds a reference.
        if !unsafe { ffi::sgdma_account_pinned(mm.as_raw(), pages) } {
            return Err(ENOMEM);
        }
        // INVARIANT: The call above has counted `pages` in `mm`.
        Ok(Self { mm, pages })
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // SAFETY: `mm` is valid, as the value holds a reference. By the type invariants `pages` is
        // a part of the count, which is taken back once.
        unsafe { ffi::sgdma_unaccount_pinned(self.mm.as_raw(), self.pages) };
    }
}

/// The number of pages that are pinned between two checks for a fatal signal: as many as one page
/// holds pointers to.
const BATCH: usize = PAGE_SIZE / size_of::<*mut bindings::page>();

/// Pinned pages that are not in a table yet, as runs of neighbours. Dropping it unpins them.
///
/// # Invariants
///
/// Each page is pinned, once for each time that it is in a run, and nobody else unpins it.
#[must_use = "the pages are unpinned when this value is dropped"]
struct Pinned(KVVec<PageRun>);

impl Pinned {
    /// Pins `nr_pages` pages of the calling process from address `start` on, for writing if `write`
    /// is true. May sleep.
    ///
    /// # Errors
    ///
    /// The errors of `pin_user_pages_fast()`, and:
    ///
    /// - `EINTR` if the process is being killed.
    /// - `ENOMEM` if there is no memory for the runs.
    ///
    /// # Safety
    ///
    /// The calling task has memory of its own: it is not a kernel thread.
    unsafe fn pin(start: usize, nr_pages: usize, write: bool) -> Result<Self> {
        let gfp = Gfp::from(GFP_KERNEL_ACCOUNT | __GFP_NOWARN).for_rust();
        // INVARIANT: No page is in a run yet.
        let mut pinned = Self(KVVec::new());
        let mut batch = KVec::from_elem(core::ptr::null_mut(), BATCH.min(nr_pages), gfp)?;
        let mut done = 0;
        while done < nr_pages {
            let count = (nr_pages - done).min(batch.len());
            // There is room for all pages of the batch before the first one is pinned, so that none
            // is pinned and not in `pinned`.
            pinned.0.reserve(count, gfp)?;
            // SAFETY: `batch` has room for `count` pages. By the requirement of this function, the
            // calling task has memory of its own.
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

    /// Takes over a page that the caller has pinned. The caller has reserved room for a run.
    fn push(&mut self, page: *mut bindings::page) -> Result {
        // INVARIANT: The page was pinned once more, and is in a run once more.
        match self.0.last_mut() {
            Some(run) if run.first.wrapping_add(run.count) == page => run.count += 1,
            _ => self.0.push_within_capacity(PageRun {
                first: page,
                count: 1,
            })?,
        }
        Ok(())
    }

    /// Returns the pages, in the order in which they were pinned.
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        self.0
            .iter()
            .copied()
            .flat_map(PageRun::pages)
            .filter_map(NonNull::new)
    }

    /// Hands the pages over to a value that finds them in `list`, and does not store them itself.
    ///
    /// # Safety
    ///
    /// - `CpuTable::pages_once()` yields these pages for `list`, each as often as it is pinned.
    /// - The list outlives the result, and is not changed while the result is dropped.
    /// - The pages are pinned for writing if `device_writes` is true.
    unsafe fn into_pages(
        mut self,
        list: &List,
        device_writes: bool,
        account: Account,
    ) -> PinnedPages {
        self.0.clear();
        // INVARIANT:
        // - The list outlives the result and does not change, by the second requirement.
        // - Its pages are pinned, by the type invariants of `Pinned` and the other requirements.
        //   Dropping `self`, whose runs were removed, unpins none of them.
        PinnedPages {
            list: *list.sgt(),
            device_writes,
            _account: account,
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for &PageRun { first, count } in &self.0 {
            // SAFETY: By the type invariants the pages are pinned, once for each run, and nobody
            // else unpins them. They are clean, as no device has seen them.
            unsafe { ffi::sgdma_unpin_user_pages(first, count, false) };
        }
    }
}

impl PinnedPages {
    /// Pins `len` bytes of the calling process from address `addr` on, and describes them by
    /// segments within `limits`. They are pinned for writing if `device_writes` is true. May sleep.
    ///
    /// [`UserTable::pin`](crate::UserTable::pin) documents the errors.
    pub(crate) fn pin(
        addr: usize,
        len: usize,
        device_writes: bool,
        limits: SegmentLimits<'_>,
    ) -> Result<PinnedBuffer> {
        let limits = limits.check()?;
        if len == 0 {
            return Err(EINVAL);
        }
        addr.checked_add(len).ok_or(EOVERFLOW)?;
        // SAFETY: The function only compares the two numbers with the limit of user space.
        if !unsafe { ffi::sgdma_access_ok(addr, len) } {
            return Err(EFAULT);
        }
        let offset = addr % PAGE_SIZE;
        let range = offset..offset + len;
        let nr_pages = range.end.div_ceil(PAGE_SIZE);

        // The pages are counted before they are pinned. On an error, too, they are unpinned before
        // the count is taken back, as locals are dropped in the opposite order.
        let account = Account::new(nr_pages)?;
        // SAFETY: The calling task has memory of its own, which the account has found.
        let pinned = unsafe { Pinned::pin(addr - offset, nr_pages, device_writes) }?;
        // SAFETY: `pinned` is borrowed and does not change during the call, so each call of
        // `pages()` yields the same pages. The pages are valid as long as they are pinned.
        let list = unsafe {
            List::from_pages(
                || pinned.pages(),
                range.clone(),
                limits,
                Gfp::from(GFP_KERNEL_ACCOUNT),
            )
        }?;
        // SAFETY:
        // - The list was made of these pages. `range` begins in the first page and ends in the last
        //   one, so the list has all of them.
        // - The caller puts the list into one table with the result. A table drops its owner first,
        //   and changes its list only through an exclusive reference.
        // - `Pinned::pin()` has pinned the pages for writing if `device_writes` is true.
        let owner = unsafe { pinned.into_pages(&list, device_writes, account) };
        Ok(PinnedBuffer { owner, range, list })
    }
}
