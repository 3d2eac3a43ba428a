// SPDX-License-Identifier: GPL-2.0

//! Tables of pages that user space accesses too.
//!
//! There are two kinds of such pages: memory of a process that the kernel pins, and pages of the
//! kernel that processes map.
//!
//! User space may access the pages at any time, so no guard can hand them from the device to the
//! CPU and no Rust reference to them may exist. The pages can be mapped only as
//! [`Shared`](crate::Shared), for a coherent device. For any other device the driver copies the
//! bytes.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            DeviceReads,
            DeviceWrites,
            Direction,
            FromDevice,
            ToDevice, //
        },
        error::EOPNOTSUPP,
        gfp::Gfp, //
    },
    device::{
        coherent::CoherentDevice,
        dma_device::DmaDevice, //
    },
    lifecycle::quarantine::Place,
    map::{
        attrs::MapAttrs,
        in_place::InPlace,
        shared::Shared, //
    },
    table::{
        iov::user_segment,
        kept::Kept,
        limits::SegmentLimits,
        owned_pages::OwnedPages,
        pinned::{
            PinnedBuffer,
            PinnedPages, //
        },
        sg_table::SgTable, //
    },
    walk::cpu::{
        CpuTable,
        PageRun, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma::DataDirection,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::{
        flags,
        VmaNew, //
    },
    page::{
        BorrowedPage,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// A table of pages that user space accesses too.
///
/// The pages are memory of a process that [`pin`](Self::pin) has pinned, or a buffer that
/// [`for_user`](SgTable::for_user) has made mappable for processes.
///
/// User space may write the bytes at any time, so a `UserTable` never becomes an [`SgTable`]. It
/// can be mapped, any number of times, in direction `D` for a device that is coherent and accesses
/// the pages in place. Bytes can be copied out at any time. Bytes can be copied to pinned pages
/// only if `D` lets the device write: pages that were pinned for reading may belong to a file that
/// the process must not write.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, InFlight, PinnedPages, Shared, UserTable};
/// type Region<'bound> = InFlight<Shared<'bound, Bidirectional, PinnedPages>>;
///
/// /// Registers memory of the calling process; for an ioctl.
/// fn register<'bound>(
///     dev: CoherentDevice<'bound>,
///     addr: usize,
///     len: usize,
/// ) -> Result<Region<'bound>> {
///     let table = UserTable::pin(addr, len, Bidirectional, dev.dma())?;
///     Ok(table.map_shared(dev)?.submit())
/// }
/// ```
///
/// A drop unpins the pages: `unpin_user_page_range_dirty_lock()`. It marks the pages dirty if the
/// device may have written them. Any process may drop the table. Where nothing may sleep, a worker
/// unpins the pages soon after. A table that is forgotten keeps its pages pinned. A table that is
/// dropped in flight keeps them pinned until the device is known to be done with them.
///
/// - Pinned pages stay after `munmap()` and after the end of the process. Then only the device
///   accesses them.
/// - A forked child gets copies of the anonymous pages. The pinned pages stay with the parent.
/// - Pages in movable memory are moved elsewhere before they are pinned: `FOLL_LONGTERM`.
///
/// # Invariants
///
/// - The pages of a table of `PinnedPages` are pinned for writing if the device writes in direction
///   `D`.
/// - Code outside of this file never gets the `SgTable`, nor a `Mapped` of it, by value or
///   exclusively: their methods are for buffers that nobody else accesses.
#[must_use = "dropping the table unpins or frees its pages"]
#[doc(alias = "ib_umem")]
pub struct UserTable<D: Direction, P = PinnedPages>(SgTable<P>, PhantomData<D>);

impl<D: Direction> UserTable<D> {
    /// Pins `len` bytes of the calling process, from `addr` on, for a device that accesses them in
    /// `direction`: `pin_user_pages_fast()`.
    ///
    /// Neither `addr` nor `len` needs any alignment. A device behind an IOMMU then also sees the
    /// other bytes of the first and the last page. `limits` are those of [`SgTable::alloc`].
    ///
    /// The pages count for `RLIMIT_MEMLOCK`, as in RDMA. A page that two tables pin counts twice.
    ///
    /// Sleeps and takes `mmap_lock`, so [`FileOps::mmap`](crate::FileOps::mmap) must not call this.
    /// A process may serve the memory late or never (`userfaultfd(2)`, FUSE), so call this outside
    /// of the gate, with limits that were copied inside. See [`Door`](crate::Door).
    ///
    /// # Errors
    ///
    /// After an error nothing is pinned and nothing is counted.
    ///
    /// - `EINVAL` if `len` is zero, or `limits` contradict their documentation.
    /// - `EOVERFLOW` if `addr + len` overflows.
    /// - `EFAULT` if the bytes are not all memory of the process, or if the device is to write
    ///   bytes that the process must not write.
    /// - `EFAULT` if the memory must not be pinned. It is memory of a device, or the device is to
    ///   write pages of a file whose file system must know of each write.
    /// - `EFAULT` if there is no process, as in a kernel thread.
    /// - `EOPNOTSUPP` for a file of a file system on memory (DAX).
    /// - `ENOMEM` if `RLIMIT_MEMLOCK` does not allow so much, or there is no memory.
    /// - `EINTR` if the process is being killed.
    /// - `E2BIG` if the table would have 2^31 segments or more.
    #[doc(alias = "pin_user_pages_fast")]
    #[doc(alias = "ib_umem_get")]
    pub fn pin<'a>(
        addr: usize,
        len: usize,
        _direction: D,
        limits: impl Into<SegmentLimits<'a>>,
    ) -> Result<Self> {
        let place = place()?;
        let device_writes = !matches!(D::DIRECTION, DataDirection::ToDevice);
        let mut limits = limits.into();
        // Whole pages are mapped, so the first segment becomes longer. A limit of whole pages
        // leaves room for that.
        if limits.max_size > PAGE_SIZE {
            limits.max_size -= limits.max_size % PAGE_SIZE;
        }
        let PinnedBuffer { owner, range, list } =
            PinnedPages::pin(addr, len, device_writes, limits)?;
        // SAFETY: The parts keep the invariants of `SgTable`:
        // - `PinnedPages::pin()` has made the list from the bytes `range` of these pages, within
        //   `limits`. The list is not mapped.
        // - The pages are initialised: a process never has uninitialised memory.
        // - Only user space accesses the pages too. The table goes into a `UserTable`, for which
        //   the invariants of `SgTable` allow that.
        let table = unsafe { SgTable::from_parts(owner, range, limits, list, place) };
        // The pages are pinned for writing if the device writes.
        Ok(Self::new(table))
    }

    /// Pins the memory that comes next in the iterator of a read or a write, and advances the
    /// iterator by it.
    ///
    /// The destination of a read is pinned for a device that writes it, `FromDevice`. The source of
    /// a write is pinned for a device that reads it, `ToDevice`. The table has up to `most` bytes:
    /// less if the process has named less, or if its memory goes on elsewhere (`readv(2)`). So a
    /// driver calls this until the iterator is empty.
    ///
    /// Sleeps as [`pin`](Self::pin) does, and within the gate, so unbinding waits: see
    /// [`FileOps`](crate::FileOps).
    ///
    /// ```
    /// # use kernel::{iov::IovIterDest, prelude::*};
    /// # use sgdma::{CoherentDevice, FromDevice, UserTable};
    /// // In `FileOps::read`, for a device that writes to the memory of the process:
    /// # fn read(dev: CoherentDevice<'_>, dst: &mut IovIterDest<'_>) -> Result<usize> {
    /// let table = UserTable::pin_iter(dst, 1 << 20, FromDevice, dev.dma())?;
    /// let n = table.len();
    /// let in_flight = table.map_shared(dev)?.submit();
    /// # drop(in_flight.complete());
    /// # Ok(n)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// After an error nothing is pinned, and the iterator is where it was.
    ///
    /// - `EOPNOTSUPP` if the iterator does not stand for memory of the process: somebody in the
    ///   kernel reads or writes the file, or `io_uring` does with registered buffers. The driver
    ///   copies then.
    /// - `EINVAL` if the iterator is empty or `most` is zero.
    /// - Those of [`pin`](Self::pin).
    #[doc(alias = "iov_iter_extract_pages")]
    pub fn pin_iter<'a, I: UserIter<D>>(
        iter: &mut I,
        most: usize,
        direction: D,
        limits: impl Into<SegmentLimits<'a>>,
    ) -> Result<Self> {
        let iter = iter.as_raw();
        // SAFETY: `iter` is valid, and `pin_iter()` has it exclusively.
        let (addr, len) = unsafe { user_segment(iter) }.ok_or(EOPNOTSUPP)?;
        let table = Self::pin(addr, len.min(most), direction, limits)?;
        // SAFETY: As above. The iterator has as many bytes.
        unsafe { bindings::iov_iter_advance(iter, table.len()) };
        Ok(table)
    }
}

/// The iterator of a read or a write, whose memory a device accesses in direction `D`.
///
/// [`IovIterDest`] is one for [`FromDevice`](crate::FromDevice), and [`IovIterSource`] for
/// [`ToDevice`](crate::ToDevice).
///
/// ```
/// # use kernel::iov::{IovIterDest, IovIterSource};
/// # use sgdma::{FromDevice, ToDevice, UserIter};
/// fn is<D: sgdma::Direction, I: UserIter<D>>() {}
/// is::<FromDevice, IovIterDest<'_>>();
/// is::<ToDevice, IovIterSource<'_>>();
/// ```
pub trait UserIter<D: Direction>: sealed::UserIter {}

mod sealed {
    use kernel::bindings;

    /// A driver cannot name this trait, but its generic code can use what is in it.
    pub trait UserIter {
        /// Returns the iterator, which is valid.
        fn as_raw(&mut self) -> *mut bindings::iov_iter;
    }
}

impl UserIter<FromDevice> for IovIterDest<'_> {}
impl sealed::UserIter for IovIterDest<'_> {
    fn as_raw(&mut self) -> *mut bindings::iov_iter {
        IovIterDest::as_raw(self)
    }
}

impl UserIter<ToDevice> for IovIterSource<'_> {}
impl sealed::UserIter for IovIterSource<'_> {
    fn as_raw(&mut self) -> *mut bindings::iov_iter {
        IovIterSource::as_raw(self)
    }
}

impl<D: Direction, P> UserTable<D, P> {
    /// Only for pages that are not pinned, or that are pinned for writing if the device writes in
    /// direction `D`.
    fn new(table: SgTable<P>) -> Self {
        // INVARIANT: The callers keep to the above. The field is private, and no method of this
        // file gives the table away.
        Self(table, PhantomData)
    }

    /// Returns the length of the buffer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the CPU's view of the table: its pages.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        self.0.cpu()
    }

    /// Copies bytes from `offset` of the buffer on to all of `dst`. Does not sleep.
    ///
    /// If user space or a device writes these bytes at the same time, the copy may have part of the
    /// new bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the buffer.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.0.copy_to_slice(offset, dst)
    }

    /// Copies `len` bytes from `offset` of the buffer on to `dst`, and returns how many it has
    /// copied. May sleep.
    ///
    /// See [`SgTable::copy_to_iter`] for the errors. If user space or a device writes these bytes
    /// at the same time, the copy may have part of the new bytes.
    pub fn copy_to_iter(
        &self,
        offset: usize,
        len: usize,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        self.0.copy_to_iter(offset, len, dst)
    }

    /// Maps the memory so that CPU and device can access it at the same time:
    /// `dma_map_sgtable()` with `DMA_ATTR_REQUIRE_COHERENT`. Does not sleep.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer. Pinned pages are still pinned.
    ///
    /// - Those of [`SgTable::map_shared`].
    /// - `EOPNOTSUPP` if the kernel finds that the device is not coherent.
    #[doc(alias = "dma_map_sgtable")]
    #[doc(alias = "DMA_ATTR_REQUIRE_COHERENT")]
    pub fn map_shared(
        self,
        dev: CoherentDevice<'_>,
    ) -> Result<Shared<'_, D, P>, BufferError<Self>> {
        self.share(dev.dma())
    }

    /// Checks that `dev` can share the memory, although `dev` may not be able to share all memory.
    /// For process context; does not sleep.
    ///
    /// See [`InPlace`].
    ///
    /// # Errors
    ///
    /// Those of [`SgTable::in_place_for`]. Each error returns the buffer. Pinned pages are still
    /// pinned.
    pub fn in_place_for(self, dev: DmaDevice<'_>) -> Result<InPlace<'_, Self>, BufferError<Self>> {
        let checked = self.0.check_in_place(dev);
        InPlace::new(dev, self, checked)
    }

    /// Maps the memory for `dev`, of which the caller has a witness that it is coherent for this
    /// memory.
    fn share(self, dev: DmaDevice<'_>) -> Result<Shared<'_, D, P>, BufferError<Self>> {
        // The device may see whole pages: all bytes of a pinned page belong to the process.
        // `ib_umem_get()` maps whole pages too.
        let attrs = MapAttrs::REQUIRE_COHERENT | MapAttrs::WHOLE_PAGES;
        self.0.share(dev, attrs).map_err(|failed| BufferError {
            error: failed.error,
            buffer: Self::new(failed.buffer),
        })
    }
}

impl<'bound, D: Direction, P> InPlace<'bound, UserTable<D, P>> {
    /// Maps the memory so that CPU and device can access it at the same time:
    /// `dma_map_sgtable()` with `DMA_ATTR_REQUIRE_COHERENT`. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`UserTable::map_shared`].
    pub fn map_shared(self) -> Result<Shared<'bound, D, P>, BufferError<UserTable<D, P>>> {
        let (dev, table) = self.into_parts();
        table.share(dev)
    }
}

/// The pages of a table that user space may map.
///
/// [`SgTable::for_user`] makes them from [`OwnedPages`].
///
/// ```
/// # use sgdma::{FromDevice, MmapPages, Shared, UserTable};
/// /// A frame that a camera writes and a process maps.
/// enum Buffer<'bound> {
///     Idle(UserTable<FromDevice, MmapPages>),
///     Mapped(Shared<'bound, FromDevice, MmapPages>),
/// }
/// ```
pub struct MmapPages(#[expect(dead_code, reason = "for its drop")] OwnedPages);

impl SgTable {
    /// Makes the buffer a table that user space may map, for a device that accesses it in
    /// `direction`. May sleep.
    ///
    /// There is no way back to an [`SgTable`]: user space may keep the pages as long as it likes.
    ///
    /// ```
    /// # use kernel::{mm::virt::VmaNew, prelude::*};
    /// # use sgdma::{Bidirectional, CoherentDevice, MmapPages, SgTable, Shared};
    /// fn ring(dev: CoherentDevice<'_>) -> Result<Shared<'_, Bidirectional, MmapPages>> {
    ///     let table = SgTable::alloc(1 << 16, dev.dma(), GFP_KERNEL)?;
    ///     Ok(table.for_user(Bidirectional)?.map_shared(dev)?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for the table's place in quarantine. The error returns the
    /// table.
    #[expect(clippy::result_large_err, reason = "the error returns the table")]
    pub fn for_user<D: Direction>(
        self,
        _direction: D,
    ) -> Result<UserTable<D, MmapPages>, BufferError<Self>> {
        match mmap_place() {
            Ok(place) => Ok(UserTable::new(self.map_owner(place, MmapPages))),
            Err(error) => Err(BufferError {
                error,
                buffer: self,
            }),
        }
    }
}

// The next two are neither generic nor inlined, as `Place::new_ours()` demands: the driver's module
// may be unloaded while the place is used.

/// Allocates the place of a table of `PinnedPages`. May sleep.
#[inline(never)]
fn place() -> Result<Place<Kept<PinnedPages>>> {
    Place::new_ours(Gfp::from(GFP_KERNEL_ACCOUNT))
}

/// Allocates the place of a table of `MmapPages`. May sleep.
#[inline(never)]
fn mmap_place() -> Result<Place<Kept<MmapPages>>> {
    Place::new_ours(Gfp::from(GFP_KERNEL_ACCOUNT))
}

/// A buffer that user space may map.
impl<D: Direction> UserTable<D, MmapPages> {
    /// Copies all of `src` to the buffer, from byte `offset` on. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.copy_from_slice_shared(offset, src)
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, and returns how
    /// many it has copied. May sleep.
    ///
    /// See [`SgTable::copy_from_iter`] for the errors. If user space or a device reads these bytes
    /// at the same time, it may read part of the new bytes.
    pub fn copy_from_iter(
        &self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        self.0.copy_from_iter_shared(offset, len, src)
    }
}

/// A buffer that user space may map, shared with a device.
impl<D: Direction> Shared<'_, D, MmapPages> {
    /// Maps the buffer from byte `offset` on to user space at `vma`: `vm_insert_page()`. May sleep.
    ///
    /// `offset` is a multiple of the page size. User space keeps the pages as long as its mapping
    /// lasts, also after the buffer was unmapped or dropped.
    ///
    /// ```
    /// # use kernel::{mm::virt::VmaNew, prelude::*};
    /// # use sgdma::{Bidirectional, MmapPages, Shared};
    /// // In `FileOps::mmap`:
    /// # fn mmap(
    /// #     ring: &Shared<'_, Bidirectional, MmapPages>,
    /// #     offset: u64,
    /// #     vma: &VmaNew,
    /// # ) -> Result {
    /// ring.map_to_user(usize::try_from(offset)?, vma)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `offset` is not a multiple of the page size, or `vma` reaches beyond the last
    ///   page of the buffer.
    /// - `EINVAL` if `vma` is private, or its file is not open for writing.
    /// - `ENOMEM` if there is no memory for page tables.
    #[doc(alias = "vm_insert_page")]
    pub fn map_to_user(&self, offset: usize, vma: &VmaNew) -> Result {
        let pages = (vma.end() - vma.start()) / PAGE_SIZE;
        let all = self.len().div_ceil(PAGE_SIZE);
        let first = offset / PAGE_SIZE;
        if offset % PAGE_SIZE != 0
            || first.checked_add(pages).is_none_or(|end| end > all)
            || vma.flags() & flags::SHARED == 0
        {
            return Err(EINVAL);
        }
        let vma = vma.set_mixedmap();
        let wanted = self.cpu().pages_once().flat_map(PageRun::pages);
        for (i, page) in wanted.skip(first).take(pages).enumerate() {
            let page = NonNull::new(page).ok_or(EINVAL)?;
            // SAFETY: `page` points to a page of the buffer. `self` is borrowed, so the buffer
            // keeps its page as long as the `BorrowedPage` is used.
            let page = unsafe { BorrowedPage::from_raw(page) };
            vma.vm_insert_page(vma.start() + i * PAGE_SIZE, &page)?;
        }
        Ok(())
    }

    /// Copies all of `src` to the buffer, from byte `offset` on. Does not sleep.
    ///
    /// If user space or the device reads these bytes at the same time, it may read part of the new
    /// bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.0.table().copy_from_slice_shared(offset, src)
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, and returns how
    /// many it has copied. May sleep.
    ///
    /// See [`SgTable::copy_from_iter`] for the errors. If user space or a device reads these bytes
    /// at the same time, it may read part of the new bytes.
    pub fn copy_from_iter(
        &self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize>
    where
        D: DeviceReads,
    {
        self.0.table().copy_from_iter_shared(offset, len, src)
    }

    /// Ends the mapping and returns the buffer: `dma_unmap_sgtable()`. Does not sleep.
    ///
    /// User space may still access the pages, so the buffer stays a [`UserTable`].
    #[doc(alias = "dma_unmap_sgtable")]
    pub fn unmap(self) -> UserTable<D, MmapPages> {
        UserTable::new(self.0.unmap())
    }
}

/// Memory of a process, pinned for writing.
impl<D: DeviceWrites> UserTable<D> {
    /// Copies all of `src` to the buffer, from byte `offset` on, as a device would. Does not sleep.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{FromDevice, SegmentLimits, UserTable};
    /// /// Receives a packet in a device made of software, which has no bus addresses.
    /// fn receive(region: &UserTable<FromDevice>, packet: &[u8]) -> Result {
    ///     region.copy_from_slice(0, packet)
    /// }
    /// # fn region(addr: usize) -> Result<UserTable<FromDevice>> {
    /// #     UserTable::pin(addr, 100, FromDevice, SegmentLimits::NONE)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.copy_from_slice_shared(offset, src)
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, and returns how
    /// many it has copied. May sleep.
    ///
    /// See [`SgTable::copy_from_iter`] for the errors. If user space or a device reads these bytes
    /// at the same time, it may read part of the new bytes.
    pub fn copy_from_iter(
        &self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        self.0.copy_from_iter_shared(offset, len, src)
    }
}

/// Memory of a process that is shared with a device.
impl<D: Direction> Shared<'_, D, PinnedPages> {
    /// Ends the mapping and returns the buffer, which stays pinned: `dma_unmap_sgtable()`. Does not
    /// sleep.
    #[doc(alias = "dma_unmap_sgtable")]
    pub fn unmap(self) -> UserTable<D> {
        UserTable::new(self.0.unmap())
    }
}

/// Memory of a process, pinned for writing, that is shared with a device.
impl<D: DeviceWrites> Shared<'_, D, PinnedPages> {
    /// Copies all of `src` to the buffer, from byte `offset` on, as a device would. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.table().copy_from_slice_shared(offset, src)
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, and returns how
    /// many it has copied. May sleep.
    ///
    /// See [`SgTable::copy_from_iter`] for the errors. If user space or a device reads these bytes
    /// at the same time, it may read part of the new bytes.
    pub fn copy_from_iter(
        &self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        self.0.table().copy_from_iter_shared(offset, len, src)
    }
}
