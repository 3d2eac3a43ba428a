// SPDX-License-Identifier: GPL-2.0

//! Ranges of bus addresses that are reserved first, and linked to buffers later.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! An IOMMU can show a device scattered memory as one run. Mapping a table does that for the pages
//! of one table. An [`Iova`] does it for tables that come one by one: its addresses are reserved in
//! one step, and each table is linked at an offset that the driver chooses.
//!
//! Without an IOMMU there is nothing to reserve. Each table that is linked is then mapped by
//! itself, and the same program works, with a run for each of its segments.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::Direction,
        gfp::Gfp, //
    },
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    lifecycle::quarantine::{
        Hold,
        Place,
        Placed, //
    },
    map::{
        attrs::MapAttrs,
        exclusive::Exclusive,
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        space::Space, //
    },
    table::{
        owned_pages::OwnedPages,
        parts::Parts,
        sg_table::SgTable, //
    },
    walk::{
        dma::DmaTable,
        extents::{
            index_of,
            joined,
            place_of,
            Extent,
            Linked,
            Misfit, //
        },
        run::{
            Coalesce,
            Run, //
        }, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    alloc::Flags,
    bindings,
    dma::DmaAddress,
    ffi::{
        c_uint,
        c_ulong, //
    },
    fmt,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The attribute of addresses that are no memory.
const MMIO: c_ulong = bindings::DMA_ATTR_MMIO as c_ulong;

/// A reserved range of bus addresses, in which tables are linked: `dma_iova_try_alloc()`.
///
/// Each table is linked at an offset that is a multiple of `PAGE_SIZE`, and takes whole pages of
/// the range. The range takes the table, and [`unlink`](Self::unlink) gives it back: while a table
/// is linked, the CPU has no access to its bytes. To let the CPU have them, unlink the table and
/// link it again. There is no guard as a [`Mapped`](crate::Mapped) table has it, because the C API
/// cannot synchronise what is linked.
///
/// Behind an IOMMU the range is one run, [`is_one_run`](Self::is_one_run): what is linked at offset
/// `n` has the bus address [`dma_address`](Self::dma_address)` + n`. Elsewhere there is no such
/// address, and [`dma_runs`](Self::dma_runs) yields a run for each segment of each table. A driver
/// whose device needs one run refuses to bind there.
///
/// Call [`submit`](Self::submit) before the device is told any address. A drop unlinks and frees
/// all.
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{Bidirectional, DmaDevice, Iova, SgTable};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut range = Iova::reserve(dev, 4 * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
/// for offset in [0, 2 * PAGE_SIZE] {
///     range.link(offset, SgTable::alloc(PAGE_SIZE, dev, GFP_KERNEL)?, GFP_KERNEL)?;
/// }
/// let in_flight = range.submit()?;
/// if let Some(addr) = in_flight.dma_address() {
///     let linked = in_flight.dma_runs().map(|run| run.addr - addr);
///     assert!(linked.eq([0, 2 * PAGE_SIZE as u64]));
/// }
/// // Once the device is done, the CPU has its turn at one table.
/// let mut range = in_flight.complete();
/// let mut table = range.unlink(0)?;
/// table.copy_from_slice(0, b"new")?;
/// range.link(0, table, GFP_KERNEL)?;
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - `reserved` was not moved out.
/// - It was reserved for `dev` in direction `D`.
#[must_use = "dropping the range unlinks and frees all that is linked in it"]
#[doc(alias = "dma_iova_try_alloc")]
#[doc(alias = "dma_iova_state")]
pub struct Iova<'bound, D: Direction, P = OwnedPages> {
    dev: DmaDevice<'bound>,
    reserved: ManuallyDrop<Placed<Reserved<P>>>,
    _direction: PhantomData<D>,
}

/// The reason why something was not linked, unlinked or found, with the place in the range.
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{DmaDevice, Iova, IovaError, SgTable, ToDevice};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut range = Iova::reserve(dev, 2 * PAGE_SIZE, ToDevice, GFP_KERNEL)?;
/// let table = SgTable::alloc(2 * PAGE_SIZE, dev, GFP_KERNEL)?;
/// let failed = range.link(PAGE_SIZE, table, GFP_KERNEL).err().ok_or(EINVAL)?;
/// let (offset, len) = (PAGE_SIZE, 2 * PAGE_SIZE);
/// assert_eq!(failed.error, IovaError { error: ERANGE, offset, len });
/// range.link(0, failed.buffer, GFP_KERNEL)?; // Where there is room for it.
/// assert_eq!(range.unlink(PAGE_SIZE).err().map(|failed| failed.error), Some(ENOENT));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IovaError {
    /// The code: see the function that has returned the error.
    pub error: Error,
    /// The offset in the range, in bytes.
    pub offset: usize,
    /// The length in bytes. Zero if the call named none.
    pub len: usize,
}

impl fmt::Display for IovaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.error {
            EINVAL => "no whole pages",
            ERANGE => "beyond the end",
            EEXIST => "linked already",
            ENOENT => "not linked",
            _ => "failed",
        };
        let (offset, len, error) = (self.offset, self.len, self.error);
        write!(f, "offset {offset:#x}, length {len:#x}: {why} ({error:?})")
    }
}

impl From<IovaError> for Error {
    fn from(failed: IovaError) -> Self {
        failed.error
    }
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Unaligned => EINVAL,
            Misfit::Beyond => ERANGE,
            Misfit::Overlap => EEXIST,
        }
    }
}

impl<'bound, D: Direction, P: Exclusive> Iova<'bound, D, P> {
    /// Reserves `len` bytes of bus addresses for `dev`: `dma_iova_try_alloc()`.
    ///
    /// All that is linked has the same direction, and an owner of the same type. The call sleeps
    /// only if `gfp` allows it.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero.
    /// - `E2BIG` if the range would be one run, and longer than the longest segment that the device
    ///   takes ([`DmaLimits::max_seg_size`](crate::DmaLimits::max_seg_size)).
    /// - `ERANGE` if the run would cross the device's segment boundary.
    /// - `ENOMEM` if there is no memory, or no room in the addresses that the device can send.
    #[doc(alias = "dma_iova_try_alloc")]
    pub fn reserve(
        dev: DmaDevice<'bound>,
        len: usize,
        _direction: D,
        gfp: Flags,
    ) -> Result<Self> {
        if len == 0 {
            return Err(EINVAL);
        }
        let place = P::place_of_range(gfp)?.0;
        let direction = D::DIRECTION as c_uint;
        // INVARIANT: It is reserved for `dev` in direction `D`.
        Ok(Self {
            dev,
            reserved: ManuallyDrop::new(place.put(Reserved::new(dev, len, direction)?)),
            _direction: PhantomData,
        })
    }

    /// Links `table` at `offset` of the range: `dma_iova_link()`.
    ///
    /// The table takes the pages of the range from `offset` on, the last one whole. The call sleeps
    /// only if `gfp` allows it.
    ///
    /// # Errors
    ///
    /// Each error returns the table, and nothing of the table is linked.
    ///
    /// - `EINVAL` if `offset` is not a multiple of `PAGE_SIZE`. Also if the table of a
    ///   [`PageOwner`](crate::PageOwner) begins or ends inside a page, because the device would be
    ///   shown the owner's other bytes.
    /// - `ERANGE` if the table would end beyond the end of the range.
    /// - `EEXIST` if something is linked in these pages.
    /// - `ENOMEM` if there is no memory, also for the tables of the IOMMU.
    /// - Without one run, those of [`SgTable::map`].
    #[doc(alias = "dma_iova_link")]
    #[doc(alias = "dma_map_phys")]
    pub fn link(
        &mut self,
        offset: usize,
        table: SgTable<P>,
        gfp: Flags,
    ) -> Result<(), BufferError<SgTable<P>, IovaError>> {
        let len = table.len();
        let refused = |(error, buffer)| BufferError {
            error: IovaError { error, offset, len },
            buffer,
        };
        if !P::WHOLE_PAGES && !table.is_whole_pages() {
            return Err(refused((EINVAL, table)));
        }
        let (at, extent) = match self.reserved.make_room(offset, len, gfp.into()) {
            Ok(place) => place,
            Err(error) => return Err(refused((error, table))),
        };
        let parts = match &mut self.reserved.space {
            // SAFETY:
            // - The device is bound: `dev` borrows it.
            // - `make_room()` has found that the pages lie in the range and are free.
            // - All bytes of a table's pages are initialised. Those behind its end, on the last
            //   page, are as well, and are nobody's: `WHOLE_PAGES` says so, or there are none.
            //   Nobody uses the table before it is unlinked, as the range has it.
            Some(space) => match unsafe { space.link_table(offset, table.cpu()) } {
                Ok(()) => {
                    let mut parts = table.into_parts();
                    // CAST: A range that is one run is at most as long as a segment, so 32 bits
                    // are enough.
                    parts.list.set_run(space.addr() + offset as u64, len as u32);
                    parts
                }
                Err(error) => return Err(refused((error, table))),
            },
            None => match table.map_as::<D>(self.dev, MapAttrs::NONE) {
                Ok(mapped) => mapped.into_mapped_parts(false),
                Err(failed) => return Err(refused((failed.error, failed.buffer))),
            },
        };
        self.reserved.add(
            at,
            Link {
                extent,
                what: What::Table(parts),
            },
        );
        Ok(())
    }
}

impl<'bound, D: Direction, P> Iova<'bound, D, P> {
    /// Returns the length of the range in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty one cannot be made")]
    pub fn len(&self) -> usize {
        self.reserved.len
    }

    /// Returns true if the device sees the range as one run, whatever is linked in it.
    ///
    /// The answer is the same for all ranges of one device, and known from
    /// [`reserve`](Self::reserve) on. It is false without an IOMMU, behind one whose pages are
    /// larger than those of the CPU, and with `sync_debug=1`.
    pub fn is_one_run(&self) -> bool {
        self.reserved.space.is_some()
    }

    /// Returns the bus address of the range's first byte if the range is one run.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Bidirectional, DmaDevice, Iova, EOPNOTSUPP};
    /// /// Reserves the window of a device that has a single base register.
    /// fn window(dev: DmaDevice<'_>) -> Result<(Iova<'_, Bidirectional>, u64)> {
    ///     let range = Iova::reserve(dev, 1 << 24, Bidirectional, GFP_KERNEL)?;
    ///     let base = range.dma_address().ok_or(EOPNOTSUPP)?;
    ///     Ok((range, base))
    /// }
    /// ```
    pub fn dma_address(&self) -> Option<DmaAddress> {
        self.reserved.space.as_ref().map(Space::addr)
    }

    /// Returns a walk over the runs of all that is linked, in order of offsets.
    ///
    /// If the range is one run, neighbours are joined: there are as many runs as the range has gaps,
    /// and one more. A table that ends inside a page is followed by a gap.
    pub fn dma_runs(&self) -> impl Iterator<Item = Run> + '_ {
        Coalesce::new(self.reserved.links.iter().flat_map(Link::runs))
    }

    /// Returns the device's view of the table that is linked at `offset`, for all its walks.
    ///
    /// # Errors
    ///
    /// `ENOENT` if no table is linked from `offset` on.
    pub fn table(&self, offset: usize) -> Result<&DmaTable, IovaError> {
        let at = index_of(&self.reserved.links, offset);
        match at.map(|at| &self.reserved.links[at].what) {
            Some(What::Table(parts)) => Ok(dma_table(parts)),
            _ => Err(not_linked(offset)),
        }
    }

    /// Unlinks the table at `offset`, and returns the table to the CPU: `dma_iova_unlink()`. Does
    /// not sleep.
    ///
    /// # Errors
    ///
    /// `ENOENT` if no table is linked from `offset` on. An offset inside of a table counts as well.
    #[doc(alias = "dma_iova_unlink")]
    #[doc(alias = "dma_unmap_phys")]
    pub fn unlink(&mut self, offset: usize) -> Result<SgTable<P>, IovaError> {
        let is_table = |link: &Link<P>| matches!(link.what, What::Table(_));
        match self.reserved.take(offset, is_table) {
            Some(mut link) => {
                // SAFETY:
                // - The device is bound: `dev` borrows it. It does not access the table: what it
                //   may access is in an `InFlight`, which lends only shared references.
                // - The link was taken out of this range.
                unsafe { self.reserved.unlink(&mut link) };
                match link.what {
                    // SAFETY: The parts were those of a table. The list was just unlinked.
                    What::Table(parts) => Ok(unsafe { SgTable::from_placed(parts) }),
                    What::Mmio { .. } => Err(not_linked(offset)),
                }
            }
            None => Err(not_linked(offset)),
        }
    }

    /// Links `len` bytes that are no memory, from the physical address `phys` on, at `offset`:
    /// `dma_iova_link()` with `DMA_ATTR_MMIO`. The call sleeps only if `gfp` allows it.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `offset`, `phys` or `len` is not a multiple of `PAGE_SIZE`, or `len` is zero.
    /// - `ERANGE` and `EEXIST` as for [`link`](Self::link).
    /// - `EIO` if the device cannot send such addresses, or everything bounces.
    /// - `ENOMEM` if there is no memory, also for the tables of the IOMMU.
    ///
    /// # Safety
    ///
    /// - The bytes are registers or memory of a device, and no memory of the system.
    /// - They may be accessed by this device until they are unlinked. For those of another PCI
    ///   device, `pci_p2pdma_distance()` says so. Unlinking may be late: what is dropped in flight
    ///   stays linked in quarantine, perhaps for ever.
    #[doc(alias = "DMA_ATTR_MMIO")]
    pub unsafe fn link_mmio(
        &mut self,
        offset: usize,
        phys: u64,
        len: usize,
        gfp: Flags,
    ) -> Result<(), IovaError> {
        // SAFETY: The device is bound: `dev` borrows it. The caller promises the rest.
        unsafe { self.reserved.link_mmio(offset, phys, len, gfp.into()) }
            .map_err(|error| IovaError { error, offset, len })
    }

    /// Unlinks what [`link_mmio`](Self::link_mmio) has linked at `offset`. Does not sleep.
    ///
    /// # Errors
    ///
    /// `ENOENT` if nothing was linked by that call from `offset` on.
    pub fn unlink_mmio(&mut self, offset: usize) -> Result<(), IovaError> {
        let is_mmio = |link: &Link<P>| matches!(link.what, What::Mmio { .. });
        let mut link = self
            .reserved
            .take(offset, is_mmio)
            .ok_or(not_linked(offset))?;
        // SAFETY: As in `unlink()`.
        unsafe { self.reserved.unlink(&mut link) };
        Ok(())
    }

    /// Puts the range in flight, before the device is told any address of it: `dma_iova_sync()`.
    /// Does not sleep.
    ///
    /// Synchronises once, for all that was linked since the last time. Nothing is unlinked or freed
    /// until [`InFlight::complete`] is called.
    ///
    /// # Errors
    ///
    /// The error of the IOMMU's driver, which most cannot return, with the range.
    #[doc(alias = "dma_iova_sync")]
    pub fn submit(mut self) -> Result<InFlight<Self>, BufferError<Self>>
    where
        P: Send + 'static,
    {
        // SAFETY: The device is bound: `dev` borrows it.
        match unsafe { self.reserved.sync() } {
            Ok(()) => Ok(InFlight::new(self)),
            Err(error) => Err(BufferError {
                error,
                buffer: self,
            }),
        }
    }

    /// Returns what is reserved, of which the caller takes care.
    fn into_reserved(self) -> Placed<Reserved<P>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants it was not moved out. `this` is neither used again nor
        // dropped.
        unsafe { ManuallyDrop::take(&mut this.reserved) }
    }
}

/// Returns the error that nothing is linked at `offset`.
fn not_linked(offset: usize) -> IovaError {
    IovaError {
        error: ENOENT,
        offset,
        len: 0,
    }
}

impl<D: Direction, P> Drop for Iova<'_, D, P> {
    fn drop(&mut self) {
        if let Some(quarantine) = self.dev.quarantine() {
            quarantine.count_ranges(-1);
        }
        // SAFETY: By the type invariants it was not moved out. A value that is being dropped is not
        // used again.
        let reserved = unsafe { ManuallyDrop::take(&mut self.reserved) };
        // SAFETY: The device is bound: `dev` borrows it, and has since the range was reserved. The
        // device does not access the range: it was not submitted, or is complete.
        unsafe { reserved.into_inner().end() };
    }
}

impl<D: Direction, P: Send + 'static> Mapping for Iova<'_, D, P> {}

impl<D: Direction, P: Send + 'static> private::Mapping for Iova<'_, D, P> {
    fn epoch(&self) -> u64 {
        self.dev.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.reserved.linked_bytes());
        if let Some(quarantine) = dev.quarantine() {
            quarantine.count_ranges(-1);
        }
        let reserved = self.into_reserved();
        // SAFETY:
        // - The device is valid and bound: `dev` borrows it.
        // - By the type invariants the range was reserved for it, and so what is linked is mapped
        //   for it.
        // - The quarantine is the one that `dev` has from its binding.
        unsafe { reserved.hold(dev.as_raw(), dev.quarantine(), epoch, len) };
    }
}

/// A part of a range, and what is linked there.
///
/// # Invariants
///
/// It is linked in the space of the [`Reserved`] that has it. Without one, `what` is mapped.
struct Link<P> {
    extent: Extent,
    what: What<P>,
}

/// What is linked.
enum What<P> {
    /// The parts of a table. Their list has the bus addresses. Without a space, their `unmap` says
    /// how they are unmapped.
    Table(Placed<Parts<P>>),
    /// What is no memory, with its physical and its bus address.
    Mmio { phys: u64, addr: DmaAddress },
}

impl<P> Linked for Link<P> {
    fn extent(&self) -> Extent {
        self.extent
    }
}

/// Returns the device's view of a table that is linked.
fn dma_table<P>(parts: &Placed<Parts<P>>) -> &DmaTable {
    // SAFETY:
    // - Linking has set the bus addresses of the list.
    // - Unlinking the table takes the parts by value or exclusively, and the reference borrows
    //   them.
    unsafe { DmaTable::from_raw(parts.list.sgt()) }
}

impl<P> Link<P> {
    /// Returns the attributes that it is linked with.
    fn attrs(&self) -> c_ulong {
        match self.what {
            What::Table(_) => 0,
            What::Mmio { .. } => MMIO,
        }
    }

    /// Unmaps what is linked in a range without a space.
    ///
    /// # Safety
    ///
    /// - It is mapped for `dev` in `direction`, and is unmapped nowhere else.
    /// - `dev` is bound, and does not access the bytes. It has stayed bound since they were mapped,
    ///   or they are mapped as they were.
    unsafe fn unmap(&mut self, dev: *mut bindings::device, direction: ffi::dma_data_direction) {
        match &mut self.what {
            // SAFETY: The caller promises all of it.
            What::Table(parts) => unsafe { parts.unmap_once() },
            // SAFETY: `link_mmio()` has mapped the bytes. The caller promises the rest.
            What::Mmio { addr, .. } => unsafe {
                ffi::sgdma_unmap_mmio(dev, *addr, self.extent.len(), direction)
            },
        }
    }

    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let (table, mmio) = match &self.what {
            What::Table(parts) => (Some(dma_table(parts).dma_segments()), None),
            What::Mmio { addr, .. } => {
                let len = self.extent.len() as u64;
                (None, Some(Run { addr: *addr, len }))
            }
        };
        Iterator::chain(table.into_iter().flatten(), mmio)
    }
}

/// A range with what is linked in it: all of an [`Iova`] that outlives the binding.
///
/// # Invariants
///
/// - `route` and `domain` were those of `dev` when the range was reserved.
/// - `space`, if there is one, is reserved for `dev` in direction `direction`.
/// - `links` are in order of their extents, which do not overlap and lie in the range.
/// - All that was linked and not synchronised lies in `unsynced`.
/// - The range counts, and so do the bytes that are linked (`sgdma_count_ranges()`).
struct Reserved<P> {
    dev: *mut bindings::device,
    route: DmaRoute,
    domain: *mut bindings::iommu_domain,
    direction: ffi::dma_data_direction,
    len: usize,
    space: Option<Space>,
    links: KVec<Link<P>>,
    unsynced: Extent,
}

/// A place in a quarantine, for a range in which tables of an owner `P` are linked.
pub struct RangePlace<P>(Place<Reserved<P>>);

impl<P> RangePlace<P> {
    pub(super) fn new(gfp: Flags) -> Result<Self> {
        Ok(Self(Place::new(gfp.into())?))
    }
}

impl RangePlace<OwnedPages> {
    pub(super) fn new_ours(gfp: Flags) -> Result<Self> {
        Ok(Self(Place::new_ours(gfp.into())?))
    }
}

// SAFETY: Any task may use the device and the domain. The rest is `Send` if the owners are.
unsafe impl<P: Send> Send for Reserved<P> {}
// SAFETY: A shared reference only permits reading.
unsafe impl<P: Sync> Sync for Reserved<P> {}

impl<P> Reserved<P> {
    fn new(dev: DmaDevice<'_>, len: usize, direction: ffi::dma_data_direction) -> Result<Self> {
        let space = Space::reserve(dev, len, direction)?;
        if let Some(quarantine) = dev.quarantine() {
            quarantine.count_ranges(1);
        }
        // INVARIANT: `space` was just reserved. Nothing is linked. The range counts from here on.
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(1, 0) };
        Ok(Self {
            dev: dev.as_raw(),
            route: dev.route(),
            // SAFETY: The device is valid and bound: `dev` borrows it.
            domain: unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) },
            direction,
            len,
            space,
            links: KVec::new(),
            unsynced: Extent::default(),
        })
    }

    /// Finds the place of `len` bytes at `offset`, and makes room for a link.
    ///
    /// Returns the link's index, which [`add`](Self::add) takes, and its extent.
    fn make_room(&mut self, offset: usize, len: usize, gfp: Gfp) -> Result<(usize, Extent)> {
        let place = place_of(&self.links, self.len, PAGE_SIZE, offset, len)?;
        self.links.reserve(1, gfp.for_rust())?;
        Ok(place)
    }

    /// Adds a link, for which [`make_room`](Self::make_room) has found the index `at`.
    fn add(&mut self, at: usize, link: Link<P>) {
        // INVARIANT: `make_room()` has found the index that keeps the order. The bytes count.
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(0, link.extent.len() as isize) };
        self.unsynced.stretch_over(link.extent);
        let added = self.links.insert_within_capacity(at, link);
        debug_assert!(added.is_ok());
        // Without room, which was made, the link would be linked for good, and nobody's.
        core::mem::forget(added);
    }

    /// Takes the link that begins at `offset`, if it is of the kind that `is_kind` asks for.
    fn take(&mut self, offset: usize, is_kind: impl Fn(&Link<P>) -> bool) -> Option<Link<P>> {
        let at = index_of(&self.links, offset)?;
        if !is_kind(&self.links[at]) {
            return None;
        }
        let link = self.links.remove(at).ok()?;
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(0, -(link.extent.len() as isize)) };
        Some(link)
    }

    /// Unlinks or unmaps what was linked.
    ///
    /// # Safety
    ///
    /// - `link` was taken out of this range, and is linked.
    /// - The device is bound, and does not access what is linked.
    unsafe fn unlink(&mut self, link: &mut Link<P>) {
        let attrs = link.attrs();
        match &mut self.space {
            // SAFETY: By the invariants of `Link` all of the extent is linked, with these
            // attributes. The caller promises the rest.
            Some(space) => unsafe { space.unlink(link.extent, attrs) },
            // SAFETY: Without a space, the link is mapped for this device. It is used no more, so
            // it is unmapped once. The caller promises the rest.
            None => unsafe { link.unmap(self.dev, self.direction) },
        }
    }

    /// Links what is no memory: see [`Iova::link_mmio`].
    ///
    /// # Safety
    ///
    /// Those of [`Iova::link_mmio`]. The device is bound.
    unsafe fn link_mmio(&mut self, offset: usize, phys: u64, len: usize, gfp: Gfp) -> Result {
        if (phys as usize | len) % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        let (at, extent) = self.make_room(offset, len, gfp)?;
        let addr = match &mut self.space {
            Some(space) => {
                // SAFETY: All three are multiples of a page. `make_room()` has found that the pages
                // are free and lie in the range. The caller promises the rest.
                unsafe { space.link(offset, phys, len, MMIO) }?;
                space.addr() + offset as u64
            }
            None => {
                // SAFETY: The device is valid, with a mask by the invariants of `DmaFacts`. The
                // first call rules out that the second one warns. The caller promises the rest.
                let addr = unsafe {
                    if !ffi::sgdma_can_send(self.dev, phys, len) {
                        return Err(EIO);
                    }
                    ffi::sgdma_map_mmio(self.dev, phys, len, self.direction)
                };
                if addr == DmaAddress::MAX {
                    return Err(EIO);
                }
                addr
            }
        };
        self.add(
            at,
            Link {
                extent,
                what: What::Mmio { phys, addr },
            },
        );
        Ok(())
    }

    /// Lets the device see all that was linked since the last call.
    ///
    /// # Safety
    ///
    /// The device is bound.
    unsafe fn sync(&mut self) -> Result {
        if let Some(space) = &mut self.space {
            if !self.unsynced.is_empty() {
                // SAFETY: By the type invariants the extent lies in the range.
                unsafe { space.sync(self.unsynced) }?;
            }
        }
        // INVARIANT: All is synchronised.
        self.unsynced = Extent::default();
        Ok(())
    }

    /// Returns the number of bytes that are linked.
    fn linked_bytes(&self) -> usize {
        self.links.iter().map(|link| link.extent.len()).sum()
    }

    /// Unlinks all, and frees the range and what was linked in it.
    ///
    /// # Safety
    ///
    /// The device is bound, and does not access the range. It has stayed bound since the range was
    /// reserved, or all is linked as it was.
    unsafe fn end(mut self) {
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(-1, -(self.linked_bytes() as isize)) };
        match self.space.take() {
            // SAFETY: The caller promises the device. The links are those of this space.
            Some(space) => unsafe { self.end_space(space) },
            None => {
                for link in &mut self.links {
                    // SAFETY: Without a space, the link is mapped for this device. This is the end
                    // of it, so it is unmapped once. The caller promises the rest.
                    unsafe { link.unmap(self.dev, self.direction) };
                }
            }
        }
        for link in self.links {
            if let What::Table(parts) = link.what {
                // The drop of a table, other than that of its parts, knows where nothing may sleep.
                // SAFETY: The parts were those of a table. The list was just unlinked or unmapped.
                drop(unsafe { SgTable::from_placed(parts) });
            }
        }
    }

    /// Unlinks all that is linked in `space`, which this range had, and frees the space.
    ///
    /// # Safety
    ///
    /// Those of [`end`](Self::end).
    unsafe fn end_space(&self, mut space: Space) {
        let kind = |attrs| {
            let links = self.links.iter().filter(move |link| link.attrs() == attrs);
            joined(links.map(|link| link.extent))
        };
        if kind(0).next().is_some_and(|run| space.is_all(run)) {
            // SAFETY: All of the range is linked, and all is memory. The caller promises the rest.
            return unsafe { space.destroy() };
        }
        for attrs in [0, MMIO] {
            for run in kind(attrs) {
                // SAFETY: By the invariants of `Link` all of the run is linked, with these
                // attributes. Each link is in one run. The caller promises the rest.
                unsafe { space.unlink(run, attrs) };
            }
        }
        // SAFETY: Nothing is linked any more. The caller promises the rest.
        unsafe { space.free() };
    }
}

impl<P: Send + 'static> Hold for Reserved<P> {
    fn is_where_it_was(&self) -> bool {
        // SAFETY: The device is valid: the quarantine, or the binding, holds a reference to the
        // device as long as it holds this value.
        let (route, domain) = unsafe {
            (
                DmaRoute::of(self.dev),
                ffi::sgdma_iommu_get_domain_for_dev(self.dev),
            )
        };
        match (self.route, route) {
            (DmaRoute::Direct, DmaRoute::Direct) => true,
            // The device may have got another domain, even at the same address in memory. So what
            // is linked must still be there. If nothing is, nobody can tell.
            (DmaRoute::Iommu, DmaRoute::Iommu) if domain == self.domain => {
                !self.links.is_empty()
                    && self.links.iter().all(|link| match &link.what {
                        // SAFETY: `domain` is valid, as it is now the domain of a device that is
                        // bound. Linking has set the DMA fields.
                        What::Table(parts) => unsafe { parts.is_mapped_in(domain) },
                        // SAFETY: As above.
                        What::Mmio { phys, addr } => unsafe {
                            ffi::sgdma_iommu_iova_to_phys(domain, *addr) == *phys
                        },
                    })
            }
            _ => false,
        }
    }

    unsafe fn release(self) {
        // SAFETY: The requirements are the same.
        unsafe { self.end() };
    }
}
