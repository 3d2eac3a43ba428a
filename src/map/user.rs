// SPDX-License-Identifier: GPL-2.0

//! Tables of pages that user space uses, too.
//!
//! It may write them at any time, before a device has them and after: nobody could synchronise
//! that, nor lend a reference. So they are shared with coherent devices, or copied, and never
//! change hands.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            DeviceReads,
            DeviceWrites,
            Direction, //
        },
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

/// A table of pages that user space uses, too: memory of a process that [`pin`](Self::pin) pins,
/// or a buffer [`for_user`](SgTable::for_user), which processes may map.
///
/// User space may write the bytes at any time, so the table stays of this kind for good. It can be
/// mapped only for a device that is coherent, in place, in direction `D`; as often as one likes.
/// Where no device is to see it, the bytes are copied; into pinned pages only if the device could
/// write them, too, for pages pinned for reading may be those of a file that the process must not
/// write.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, InFlight, PinnedPages, Shared, UserTable};
/// type Region<'bound> = InFlight<Shared<'bound, Bidirectional, PinnedPages<Bidirectional>>>;
///
/// /// In an ioctl: a memory region of the calling process.
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
/// Pinned pages are unpinned when it is dropped, by whichever process, and marked dirty if the
/// device may have written them. That may sleep. A table that is forgotten keeps them pinned; so
/// does one that is dropped while a device is at it, until the device is known to be done with it.
///
/// - After `munmap()`, or when the process is gone, the pinned pages are still there, and nobody's
///   but the device's.
/// - A child that is forked gets copies of anonymous pages; the pinned ones stay the parent's.
/// - Pages that must stay movable are moved before they are pinned: `FOLL_LONGTERM`.
///
/// # Invariants
///
/// No `SgTable` of such pages, nor a `Mapped` one, is ever given away: their methods are for
/// buffers that nobody else uses.
pub struct UserTable<D: Direction, P = PinnedPages<D>>(SgTable<P>, PhantomData<D>);

impl<D: Direction> UserTable<D> {
    /// Pins `len` bytes of the calling process from `addr` on, for a device that uses them in
    /// `direction`: `pin_user_pages_fast()`.
    ///
    /// Neither has to be aligned; a device behind an IOMMU is then shown whole pages. They count
    /// for `RLIMIT_MEMLOCK`, as in RDMA: the pages of each table by themselves. `limits` as for
    /// [`SgTable::alloc`]. Sleeps, and takes `mmap_lock`: not for
    /// [`FileOps::mmap`](crate::FileOps::mmap). The process that serves the memory may make it
    /// sleep for ever: pin outside the gate, by limits copied inside; see [`Door`](crate::Door).
    ///
    /// # Errors
    ///
    /// Nothing is pinned then, nor counted.
    ///
    /// - `EINVAL` if `len` is zero, or `limits` contradict their documentation.
    /// - `EOVERFLOW` if `addr + len` wraps.
    /// - `EFAULT` if some of it is no memory of the process, cannot be written though the device is
    ///   to write it, or must not be pinned: memory of a device; if it is to be written, files
    ///   whose file system wants to know of each write. Also where there is no process, as in a
    ///   kernel thread.
    /// - `EOPNOTSUPP` for a file of a file system on memory (DAX).
    /// - `ENOMEM` if it is more than `RLIMIT_MEMLOCK` allows, or there is no memory.
    /// - `EINTR` if the process is being killed.
    /// - `E2BIG` if it takes 2^31 segments or more.
    pub fn pin<'a>(
        addr: usize,
        len: usize,
        _direction: D,
        limits: impl Into<SegmentLimits<'a>>,
    ) -> Result<Self> {
        let place = Place::new(Gfp::from(GFP_KERNEL_ACCOUNT))?;
        let mut limits = limits.into();
        // They are mapped by whole pages, so that the first segment is longer then.
        if limits.max_size > PAGE_SIZE {
            limits.max_size -= limits.max_size % PAGE_SIZE;
        }
        let PinnedBuffer { owner, range, list } = PinnedPages::pin(addr, len, limits)?;
        // SAFETY:
        // - The list was made of these pages for `range`, within `limits`, and is not mapped.
        // - A process has nothing uninitialised. It is user space that uses them besides.
        let table = unsafe { SgTable::from_parts(owner, range, limits, list, place) };
        Ok(Self::new(table))
    }
}

impl<D: Direction, P> UserTable<D, P> {
    pub(crate) fn new(table: SgTable<P>) -> Self {
        // INVARIANT: It stays in here.
        Self(table, PhantomData)
    }

    /// Returns the length of the buffer in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the table in its CPU form: which pages there are.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        self.0.cpu()
    }

    /// Copies from byte `offset` of the buffer on into all of `dst`. Does not sleep.
    ///
    /// What others write meanwhile may be seen in part.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.0.copy_to_slice(offset, dst)
    }

    /// Maps the memory for simultaneous access: `DMA_ATTR_REQUIRE_COHERENT`. Does not sleep.
    ///
    /// # Errors
    ///
    /// The buffer, still pinned if it was, comes back with each of those of
    /// [`SgTable::map_shared`]; with `EOPNOTSUPP` also if the kernel finds that the device is not
    /// coherent.
    pub fn map_shared(
        self,
        dev: CoherentDevice<'_>,
    ) -> Result<Shared<'_, D, P>, BufferError<Self>> {
        self.share(dev.dma())
    }

    /// Shows that `dev` can share the memory although it could not share all memory:
    /// see [`InPlace`].
    ///
    /// # Errors
    ///
    /// As for [`SgTable::in_place_for`]. The buffer, still pinned if it was, comes back.
    pub fn in_place_for(self, dev: DmaDevice<'_>) -> Result<InPlace<'_, Self>, BufferError<Self>> {
        let checked = self.0.check_in_place(dev);
        InPlace::new(dev, self, checked)
    }

    /// `dev` is coherent for this memory, as a witness says.
    fn share(self, dev: DmaDevice<'_>) -> Result<Shared<'_, D, P>, BufferError<Self>> {
        // Whole pages, as `ib_umem_get()` maps them: all of a process' page is that process'.
        let attrs = MapAttrs::REQUIRE_COHERENT | MapAttrs::WHOLE_PAGES;
        self.0.share(dev, attrs).map_err(|refused| BufferError {
            error: refused.error,
            buffer: Self::new(refused.buffer),
        })
    }
}

impl<'bound, D: Direction, P> InPlace<'bound, UserTable<D, P>> {
    /// Maps the memory for simultaneous access: `DMA_ATTR_REQUIRE_COHERENT`. Does not sleep.
    ///
    /// # Errors
    ///
    /// As for [`UserTable::map_shared`].
    pub fn map_shared(self) -> Result<Shared<'bound, D, P>, BufferError<UserTable<D, P>>> {
        let (dev, table) = self.into_parts();
        table.share(dev)
    }
}

/// Pages that user space may map: [`OwnedPages`] of a table that was made
/// [`for_user`](SgTable::for_user).
///
/// ```
/// # use sgdma::{FromDevice, MmapPages, Shared, UserTable};
/// /// Frames that a camera writes and a process maps: before the camera knows them, and after.
/// enum Buffer<'bound> {
///     Idle(UserTable<FromDevice, MmapPages>),
///     Mapped(Shared<'bound, FromDevice, MmapPages>),
/// }
/// ```
pub struct MmapPages(#[expect(dead_code, reason = "for its drop")] OwnedPages);

impl SgTable {
    /// Makes the buffer a table that user space may map, for a device that uses it in `direction`.
    ///
    /// There is no way back, for user space keeps the pages as long as it likes. May sleep.
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
    /// `ENOMEM`, with the table, if there is no memory to remember it by.
    #[expect(clippy::result_large_err, reason = "the table comes back in it")]
    pub fn for_user<D: Direction>(
        self,
        _direction: D,
    ) -> Result<UserTable<D, MmapPages>, BufferError<Self>> {
        match place() {
            Ok(place) => Ok(UserTable::new(self.map_owner(place, MmapPages))),
            Err(error) => Err(BufferError {
                error,
                buffer: self,
            }),
        }
    }
}

/// Makes a place for a table of such pages. Out of line, and not generic as its caller is: the
/// driver's code may go while the place is used.
#[inline(never)]
fn place() -> Result<Place<Kept<MmapPages>>> {
    Place::new_ours(Gfp::from(GFP_KERNEL_ACCOUNT))
}

/// A buffer that user space may map.
impl<D: Direction> UserTable<D, MmapPages> {
    /// Copies `src` into the buffer, from byte `offset` on. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.copy_from_slice_shared(offset, src)
    }
}

/// A buffer that user space may map, shared with a device.
impl<D: Direction> Shared<'_, D, MmapPages> {
    /// Maps the buffer's bytes from `offset` on, a multiple of the page size, to user space at
    /// `vma`: `vm_insert_page()`. May sleep.
    ///
    /// User space keeps the pages as long as its mapping, also after the buffer is gone, and may
    /// change them after it was unmapped.
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
    /// - `EINVAL` if `offset` is not a multiple of the page size or `vma` reaches beyond the
    ///   buffer's last page, or if `vma` is private or its file not open for writing.
    /// - `ENOMEM` if there is no memory for page tables.
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
            // SAFETY: The page is the buffer's, and stays as long as that.
            let page = unsafe { BorrowedPage::from_raw(page) };
            vma.vm_insert_page(vma.start() + i * PAGE_SIZE, &page)?;
        }
        Ok(())
    }

    /// Copies `src` into the buffer, from byte `offset` on. Does not sleep.
    ///
    /// Others may see it in part meanwhile.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.0.table().copy_from_slice_shared(offset, src)
    }

    /// Unmaps the buffer: `dma_unmap_sgtable()`. Does not sleep.
    ///
    /// User space may still have it, so it stays a [`UserTable`].
    pub fn unmap(self) -> UserTable<D, MmapPages> {
        UserTable::new(self.0.unmap())
    }
}

/// Memory of a process, pinned for writing.
impl<D: DeviceWrites> UserTable<D> {
    /// Copies `src` into the buffer, from byte `offset` on, as the device would. Does not sleep.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{FromDevice, SegmentLimits, UserTable};
    /// /// What a device that is made of software does: it has no bus addresses.
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
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.copy_from_slice_shared(offset, src)
    }
}

/// Memory of a process that is shared with a device.
impl<D: Direction> Shared<'_, D, PinnedPages<D>> {
    /// Unmaps the buffer: `dma_unmap_sgtable()`. It stays pinned. Does not sleep.
    pub fn unmap(self) -> UserTable<D> {
        UserTable::new(self.0.unmap())
    }
}

/// Memory of a process, pinned for writing, that is shared with a device.
impl<D: DeviceWrites> Shared<'_, D, PinnedPages<D>> {
    /// As [`UserTable::copy_from_slice`].
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        self.0.table().copy_from_slice_shared(offset, src)
    }
}
