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
//! itself, and the same program works, with several runs.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::Direction, //
    },
    device::dma_device::DmaDevice,
    lifecycle::quarantine::Placed,
    map::{
        attrs::MapAttrs,
        exclusive::Exclusive,
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        reserved::{
            dma_table,
            Reserved, //
        },
        space::Space, //
    },
    table::{
        owned_pages::OwnedPages,
        sg_table::SgTable, //
    },
    walk::{
        dma::DmaTable,
        run::Run, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    alloc::Flags,
    dma::DmaAddress,
    ffi::c_uint,
    fmt,
    prelude::*, //
};

/// A reserved range of bus addresses, in which tables are linked: `dma_iova_try_alloc()`.
///
/// Each table is linked at an offset that is a multiple of `PAGE_SIZE`, and takes whole pages of
/// the range. The range takes the table, and [`unlink`](Self::unlink) gives it back: while a table
/// is linked, the CPU has no access to its bytes. To let the CPU have them, unlink the table and
/// link it again. There is no guard as a [`Mapped`](crate::Mapped) table has it, because the C API
/// cannot synchronise what is linked. With a coherent device, [`shared`](Self::shared) gives access
/// all the time.
///
/// Behind an IOMMU the range is one run, [`is_one_run`](Self::is_one_run): what is linked at offset
/// `n` has the bus address [`dma_address`](Self::dma_address)` + n`. Elsewhere there is no such
/// address: [`dma_runs`](Self::dma_runs) has those of all tables, and [`table`](Self::table) those
/// of one. A driver whose device needs one run refuses to bind there.
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
/// - `reserved` was reserved for `dev` in direction `D`.
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
            EINVAL => "begins or ends inside a page",
            EXDEV => "of another device",
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
    ///   takes ([`DmaLimits::max_seg_size`](crate::DmaLimits::max_seg_size)). Also if `len` is more
    ///   than any address space has.
    /// - `ERANGE` if the run would cross the device's segment boundary.
    /// - `ENOMEM` if there is no memory, or no room in the addresses that the device can send.
    #[doc(alias = "dma_iova_try_alloc")]
    pub fn reserve(dev: DmaDevice<'bound>, len: usize, _direction: D, gfp: Flags) -> Result<Self> {
        if len == 0 {
            return Err(EINVAL);
        }
        if len > isize::MAX as usize {
            return Err(E2BIG);
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
        let place = match self.reserved.make_room(offset, len, gfp.into()) {
            Ok(place) => place,
            Err(error) => return Err(refused((error, table))),
        };
        let table = match self.reserved.space_mut() {
            // SAFETY:
            // - The device is bound: `dev` borrows it.
            // - `make_room()` has found that the pages lie in the range and are free.
            // - All bytes of a table's pages are initialised. Those behind its end, on the last
            //   page, are as well, and are nobody's: `WHOLE_PAGES` says so, or there are none.
            //   Nobody uses the table before it is unlinked, as the range has it.
            Some(space) => match unsafe { space.link_table(offset, table.cpu()) } {
                Ok(()) => {
                    let mut table = table;
                    // IOMMUs select `CONFIG_NEED_SG_DMA_LENGTH`: the segments keep their lengths.
                    // CAST: A range that is one run is at most as long as a segment, so 32 bits
                    // are enough.
                    let addr = space.addr() + offset as u64;
                    table.parts_mut().list.set_run(addr, len as u32);
                    table
                }
                Err(error) => return Err(refused((error, table))),
            },
            None => match table.map_as::<D>(self.dev, MapAttrs::NONE) {
                // SAFETY: `table` is unmapped, as its parts say, before it is given out or dropped.
                Ok(mapped) => unsafe { SgTable::from_placed(mapped.into_mapped_parts(false)) },
                Err(failed) => return Err(refused((failed.error, failed.buffer))),
            },
        };
        self.reserved.add_table(place, table);
        Ok(())
    }
}

impl<'bound, D: Direction, P> Iova<'bound, D, P> {
    /// Returns the length of the range in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty one cannot be made")]
    pub fn len(&self) -> usize {
        self.reserved.len()
    }

    /// Returns true if the device sees the range as one run, whatever is linked in it.
    ///
    /// The answer is the same for all ranges of one device, and known from
    /// [`reserve`](Self::reserve) on. It is false without an IOMMU, behind one whose pages are
    /// larger than those of the CPU, and with `sync_debug=1`.
    pub fn is_one_run(&self) -> bool {
        self.reserved.space().is_some()
    }

    /// Returns the bus address of the range's first byte if the range is one run.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Bidirectional, DmaDevice, Iova, EOPNOTSUPP};
    /// /// Reserves the one run of a device that has a single base register.
    /// fn one_run(dev: DmaDevice<'_>) -> Result<(Iova<'_, Bidirectional>, u64)> {
    ///     let range = Iova::reserve(dev, 1 << 24, Bidirectional, GFP_KERNEL)?;
    ///     let base = range.dma_address().ok_or(EOPNOTSUPP)?;
    ///     Ok((range, base))
    /// }
    /// ```
    pub fn dma_address(&self) -> Option<DmaAddress> {
        self.reserved.space().map(Space::addr)
    }

    /// Returns a walk over the runs of all that is linked, in order of offsets.
    ///
    /// Neighbours are joined. If the range is one run, a run ends where nothing is linked, and a
    /// table that ends inside a page is followed by such a gap. Otherwise the bus addresses of two
    /// tables may follow one another by chance, also over a gap of the range.
    pub fn dma_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.reserved.runs()
    }

    /// Returns the device's view of the table that is linked at `offset`, for all its walks.
    ///
    /// # Errors
    ///
    /// `ENOENT` if no table is linked from `offset` on.
    pub fn table(&self, offset: usize) -> Result<&DmaTable, IovaError> {
        Ok(dma_table(self.linked_table(offset)?))
    }

    /// Returns the table that is linked at `offset`.
    pub(super) fn linked_table(&self, offset: usize) -> Result<&SgTable<P>, IovaError> {
        self.reserved.table(offset).ok_or(not_linked(offset))
    }

    /// Returns the device.
    pub(super) fn dma(&self) -> DmaDevice<'bound> {
        self.dev
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
        // SAFETY: The device is bound: `dev` borrows it. It does not access the table: what it may
        // access is in an `InFlight`, which lends only shared references.
        unsafe { self.reserved.unlink_table(offset) }.ok_or(not_linked(offset))
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
        // SAFETY: As in `unlink()`.
        unsafe { self.reserved.unlink_mmio(offset) }.ok_or(not_linked(offset))
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
