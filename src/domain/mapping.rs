// SPDX-License-Identifier: GPL-2.0

//! Tables that are mapped in a domain.
//!
//! C header: [`include/linux/iommu.h`](srctree/include/linux/iommu.h)
//!
//! Such a mapping belongs to its domain and to no device: it may exist longer than the binding of
//! the device that it was made with. `turns.rs` has what a device and the CPU do with a mapping.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            Direction,
            ToDevice, //
        },
        gfp::Gfp, //
    },
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    domain::{
        data::DomainData,
        device::{
            DomainDevice,
            Member, //
        },
        paging::Domain, //
    },
    ffi,
    lifecycle::{
        deferred,
        quarantine::{
            Hold,
            Place,
            Placed, //
        }, //
    },
    table::sg_table::SgTable,
    walk::{
        dma::DmaTable,
        list::List, //
    }, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};
use kernel::{
    dma::DmaAddress,
    error::to_result,
    ffi::c_uint,
    prelude::*,
    str::CStrExt,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        UniqueArc, //
    }, //
};

/// A buffer that is mapped in a [`Domain`], at one range of addresses: `iommu_map_sgtable()`.
///
/// The pages of the buffer may lie anywhere in memory: the range has no gap. All devices that are
/// attached to the domain can be given the mapping, each by [`for_device`](Self::for_device), which
/// also tells the addresses. The CPU accesses the bytes by [`for_cpu`](Self::for_cpu).
///
/// A drop unmaps and frees the buffer. As long as a device has the mapping, in flight or in
/// quarantine, the buffer stays mapped, and its range is given to nobody else. The value also keeps
/// the domain, and may exist longer than any binding.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DomainDevice, DomainMapping, DomainUse, InFlight, SgTable};
/// /// Gives a buffer to a device of the domain.
/// fn give<'bound>(
///     mapping: &DomainMapping<Bidirectional>,
///     dev: DomainDevice<'bound>,
///     engine: &Engine,
/// ) -> Result<InFlight<DomainUse<'bound, Bidirectional>>> {
///     let given = mapping.for_device(dev)?.submit();
///     engine.start(given.dma_address());
///     Ok(given)
/// }
/// # struct Engine;
/// # impl Engine { fn start(&self, _: u64) {} }
/// ```
#[must_use = "dropping a mapping unmaps the buffer and frees it"]
#[doc(alias = "iommu_map_sgtable")]
#[doc(alias = "iommu_map_sg")]
pub struct DomainMapping<D: Direction> {
    pub(super) shared: Arc<Shared>,
    _direction: PhantomData<D>,
}

impl SgTable {
    /// Maps the buffer in the domain of `dev` at `addr`, which the caller chooses:
    /// `iommu_map_sgtable()`. May sleep.
    ///
    /// The direction decides what devices may do there: read, write or both. An IOMMU may let a
    /// device read where it may only write.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer, and nothing is mapped. Those that are about the addresses
    /// have a line in the log, with address, length and reason.
    ///
    /// - `EINVAL` if `addr` is 0, or if `addr` or the length is not a multiple of
    ///   [`Domain::granule`], or a segment of the table does not begin or end at such a multiple.
    /// - `ERANGE` if a byte lies beyond [`Domain::aperture`].
    /// - `EPERM` if a byte lies in a window that the platform keeps: for MSI, or for registers of
    ///   devices behind the host bridge.
    /// - `EEXIST` if something is mapped there already.
    /// - `E2BIG` if the buffer has 4 GiB or more. Where caches are not coherent, also if the table
    ///   was not made for this device.
    /// - `EIO` where caches are not coherent, if the DMA API would have memory bounce.
    /// - `ENOMEM` if there is no memory, and those of the IOMMU.
    #[doc(alias = "iommu_map_sgtable")]
    #[doc(alias = "iommu_map")]
    pub fn map_at<D: Direction, T: DomainData>(
        self,
        dev: DomainDevice<'_, T>,
        addr: DmaAddress,
        _direction: D,
    ) -> Result<DomainMapping<D>, BufferError<Self>> {
        Shared::new(self, dev.member(), Some(addr), D::DIRECTION as c_uint).map(DomainMapping::new)
    }

    /// Maps the buffer in the domain of `dev`, at the lowest addresses that are free. May sleep.
    ///
    /// The range is aligned for large pages of the IOMMU, as far as it is long enough.
    ///
    /// # Errors
    ///
    /// Those of [`map_at`](Self::map_at), and `ENOSPC` if there is no room for the buffer.
    #[doc(alias = "alloc_iova")]
    pub fn map_anywhere<D: Direction, T: DomainData>(
        self,
        dev: DomainDevice<'_, T>,
        _direction: D,
    ) -> Result<DomainMapping<D>, BufferError<Self>> {
        Shared::new(self, dev.member(), None, D::DIRECTION as c_uint).map(DomainMapping::new)
    }
}

impl<D: Direction> DomainMapping<D> {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            _direction: PhantomData,
        }
    }

    /// Returns the length of the buffer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    pub fn len(&self) -> usize {
        self.shared.len
    }

    /// Unmaps the buffer and returns it: `iommu_unmap()`. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY`, with the mapping, if a device has it, in flight or in quarantine.
    #[doc(alias = "iommu_unmap")]
    pub fn unmap(self) -> Result<SgTable, BufferError<Self>> {
        match self.shared.take() {
            Some(content) => Ok(content.unmap()),
            None => Err(BufferError {
                error: EBUSY,
                buffer: self,
            }),
        }
    }
}

/// A mapping, as those that use it share it.
///
/// # Invariants
///
/// - `content` is some until [`take`](Self::take), or the drop, takes it.
/// - `users` counts the uses of devices that have not ended, and the CPU's turns where caches are
///   not coherent. There it is at most one, and who has counted it has the table exclusively.
pub(super) struct Shared {
    content: UnsafeCell<Option<Placed<InDomain>>>,
    pub(super) len: usize,
    users: Atomic<usize>,
}

// SAFETY: What is inside may be used and dropped by any task.
unsafe impl Send for Shared {}
// SAFETY: `content` is changed only by `take()` and the drop, when nobody else uses it. Shared
// references to what is inside permit only reading, copies in C, and by the type invariants the
// table's list is changed by one user at a time.
unsafe impl Sync for Shared {}

impl Shared {
    /// Maps `table` at `at`, or anywhere.
    // Neither generic nor inlined, as `Place::new_ours()` demands.
    #[inline(never)]
    fn new(
        table: SgTable,
        dev: Member<'_>,
        at: Option<DmaAddress>,
        direction: ffi::dma_data_direction,
    ) -> Result<Arc<Self>, BufferError<SgTable>> {
        let gfp = GFP_KERNEL_ACCOUNT;
        let mut table = table;
        // What needs memory comes first: after mapping nothing can fail.
        let mapped = UniqueArc::<Self>::new_uninit(gfp)
            .map_err(Error::from)
            .and_then(|room| {
                let place = Place::new_ours(Gfp::from(gfp))?;
                let span = MappedSpan::new(&mut table, dev, at, direction)?;
                Ok((room, place, span))
            });
        match mapped {
            Ok((room, place, span)) => {
                let len = table.len();
                let content = place.put(InDomain {
                    span,
                    table: UnsafeCell::new(table),
                });
                // INVARIANT: There is a content, and nobody uses it yet.
                Ok(room
                    .write(Self {
                        content: UnsafeCell::new(Some(content)),
                        len,
                        users: Atomic::new(0),
                    })
                    .into())
            }
            Err(error) => Err(BufferError {
                error,
                buffer: table,
            }),
        }
    }

    /// Returns what is mapped.
    ///
    /// # Safety
    ///
    /// The caller has a [`DomainMapping`] of it, or is counted in `users`.
    pub(super) unsafe fn content(&self) -> &InDomain {
        // SAFETY: Only `take()` and the drop change the content. `take()` takes the `DomainMapping`
        // by value, and fails if a user is counted. The drop comes after both.
        match unsafe { &*self.content.get() } {
            Some(content) => content,
            // By the type invariants, and as above, there is one.
            None => unreachable!(),
        }
    }

    /// Counts a user. Returns false if another one must end first.
    pub(super) fn enter(&self, coherent: bool) -> bool {
        if coherent {
            self.users.fetch_add(1, Acquire);
            return true;
        }
        // INVARIANT: There was no other user.
        self.users.cmpxchg(0, 1, Acquire).is_ok()
    }

    /// Ends what [`enter`](Self::enter) has begun. The caller uses the content no more.
    pub(super) fn leave(&self) {
        self.users.fetch_sub(1, Release);
    }

    /// Takes the content, unless somebody uses it. The caller has the only `DomainMapping`, which
    /// it gives up then.
    fn take(&self) -> Option<InDomain> {
        if self.users.load(Acquire) > 0 {
            return None;
        }
        // SAFETY: Nobody is counted in `users`. Only a `DomainMapping` makes new users, and the
        // caller has the only one. A user that is about to end uses the content no more.
        unsafe { &mut *self.content.get() }
            .take()
            .map(Placed::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(content) = self.content.get_mut().take() else {
            return;
        };
        if deferred::may_sleep() {
            drop(content);
        } else {
            // SAFETY: `Shared::new()` has made the place by `new_ours()`. The buffer is mapped for
            // no device but in a domain, which the buffer keeps: unmapping it there needs none. All
            // users have ended, so no device accesses it.
            unsafe { deferred::drop_later(content) };
        }
    }
}

/// A table and the range at which it is mapped.
// Fields are dropped in order: the range is unmapped before the pages are freed.
pub(super) struct InDomain {
    span: MappedSpan,
    table: UnsafeCell<SgTable>,
}

// SAFETY: Any task may unmap and free both.
unsafe impl Send for InDomain {}

impl InDomain {
    fn unmap(self) -> SgTable {
        drop(self.span);
        self.table.into_inner()
    }

    pub(super) fn domain(&self) -> &Domain {
        &self.span.domain
    }

    /// Returns the address of the first byte.
    pub(super) fn addr(&self) -> DmaAddress {
        self.span.addr
    }

    /// Returns the range as devices see it: one run.
    pub(super) fn dma(&self) -> &DmaTable {
        // SAFETY: `MappedSpan::new()` set the run. The list does not change until `self` is given
        // up, which the reference borrows.
        unsafe { DmaTable::from_raw(self.span.list.sgt()) }
    }

    /// Returns the table, for copies.
    ///
    /// # Safety
    ///
    /// Where caches are not coherent, the caller is the user that is counted, and nobody else.
    pub(super) unsafe fn table(&self) -> &SgTable {
        // SAFETY: As long as the result is used, only the caller could change the table.
        unsafe { &*self.table.get() }
    }

    /// Returns the table, whose list the DMA API maps.
    ///
    /// # Safety
    ///
    /// The caller has the table exclusively: caches are not coherent, and it is the user that is
    /// counted.
    #[expect(
        clippy::mut_from_ref,
        reason = "who is counted as the one user has it exclusively"
    )]
    pub(super) unsafe fn table_mut(&self) -> &mut SgTable {
        // SAFETY: The caller has it exclusively.
        unsafe { &mut *self.table.get() }
    }
}

impl Hold for InDomain {
    fn is_where_it_was(&self) -> bool {
        // It is mapped in a domain that it keeps.
        true
    }

    unsafe fn release(self) {}
}

/// The addresses of a domain at which pages are mapped. A drop unmaps the pages, and may sleep.
///
/// # Invariants
///
/// - `len` bytes are mapped at `addr` of `domain`, where the value has the range.
/// - `list` has one mapped entry: that run.
struct MappedSpan {
    domain: Domain,
    addr: DmaAddress,
    len: usize,
    list: List,
}

impl MappedSpan {
    /// Maps the pages of `table`, which the caller frees only after the drop of the result.
    fn new(
        table: &mut SgTable,
        dev: Member<'_>,
        at: Option<DmaAddress>,
        direction: ffi::dma_data_direction,
    ) -> Result<Self> {
        let domain = dev.domain;
        let len = table.len();
        let mut list = List::alloc(1, Gfp::from(GFP_KERNEL_ACCOUNT))?;
        let entry = u32::try_from(len).map_err(|_| E2BIG)?;
        let refuse = |(error, why): (Error, &CStr)| {
            // SAFETY: The device is valid and bound: `dev` borrows it. `why` is a string with a
            // NUL.
            unsafe {
                ffi::sgdma_say_not_mapped(
                    dev.dma.as_raw(),
                    at.as_ref().map_or(core::ptr::null(), core::ptr::from_ref),
                    len as u64,
                    why.as_char_ptr(),
                )
            };
            error
        };
        let granule = domain.granule() - 1;
        if table
            .phys_runs()
            .any(|run| (run.addr | run.len) & granule != 0)
        {
            return Err(refuse((
                EINVAL,
                c"a segment is not aligned to the IOMMU's pages; make the table by alloc_blocks()",
            )));
        }
        if !domain.is_coherent() {
            clean(table, dev.dma)?;
        }
        let addr = domain.reserve(at, len as u64).map_err(refuse)?;
        // SAFETY:
        // - The domain is valid: `dev` borrows it.
        // - The list is filled in, describes `len` bytes, and `table` is borrowed exclusively. All
        //   bytes of its pages are initialised, by the invariants of `SgTable`.
        // - `reserve()` has checked the range, and nothing is mapped there. Segments are aligned.
        // - The caller frees the pages only after unmapping.
        let result = unsafe {
            ffi::sgdma_domain_map(
                domain.as_raw(),
                addr,
                table.sgt_mut(),
                len,
                direction,
                domain.is_coherent(),
            )
        };
        to_result(result).inspect_err(|_| domain.release(addr))?;
        list.set_run(addr, entry);
        // INVARIANT: The bytes were just mapped, and the run was set.
        Ok(Self {
            domain: domain.share(),
            addr,
            len,
            list,
        })
    }
}

impl Drop for MappedSpan {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the bytes are mapped. The value is dropped once, and no
        // device accesses them: all uses have ended.
        unsafe { ffi::sgdma_domain_unmap(self.domain.as_raw(), self.addr, self.len) };
        self.domain.release(self.addr);
    }
}

/// Writes back what caches hold of the pages, so that a device never sees what was in memory before
/// them.
fn clean(table: &mut SgTable, dev: DmaDevice<'_>) -> Result {
    let to_device = ToDevice::DIRECTION as c_uint;
    // SAFETY: The device is borrowed, and what was mapped is unmapped right away.
    unsafe {
        begin_turn(table, dev, to_device)?;
        ffi::sgdma_domain_end_turn(dev.as_raw(), table.sgt_mut(), to_device, true);
    }
    Ok(())
}

/// Hands the bytes of the table to `dev`, whose caches are not coherent: maps it by the DMA API.
///
/// # Errors
///
/// - `E2BIG` if the table was not made for `dev`.
/// - `EIO` if memory would bounce. The device would then see other pages than the CPU.
///
/// # Safety
///
/// `sgdma_domain_end_turn()` is called with the same arguments before the table is mapped again or
/// freed, and while `dev` is bound.
pub(super) unsafe fn begin_turn(
    table: &mut SgTable,
    dev: DmaDevice<'_>,
    direction: ffi::dma_data_direction,
) -> Result {
    if !table.fits(dev.into()) {
        return Err(E2BIG);
    }
    if dev.route() == DmaRoute::Direct && !table.is_reached_by(dev) {
        return Err(EIO);
    }
    table.unmark();
    // SAFETY:
    // - The device is valid and bound: `dev` borrows it. Its mask is set, by the invariants of
    //   `DmaFacts`.
    // - The list is filled in, is not mapped by the DMA API, and is borrowed exclusively. It fits
    //   the device, which reaches its pages. All of their bytes are initialised.
    // - The caller promises that the list is unmapped first.
    to_result(unsafe { ffi::sgdma_domain_begin_turn(dev.as_raw(), table.sgt_mut(), direction) })
}
