// SPDX-License-Identifier: GPL-2.0

//! Sharing: a buffer that the CPU and a coherent device use at the same time.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    attrs::Attrs,
    coherency::CoherentDevice,
    device::DmaDevice,
    direction::{
        DeviceReads,
        Direction, //
    },
    mapping::{
        private,
        InFlight,
        Mapped,
        Mapping, //
    },
    owner::PageOwner,
    pages::OwnedPages,
    refused::Refused,
    table::SgTable, //
};
use core::{
    ops::Deref,
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

/// Pages that user space may map: single ones, which nobody ever has a reference to.
///
/// ```
/// # use sgdma::{OwnedPages, UserMappable};
/// fn is<P: UserMappable>() {}
/// is::<OwnedPages>();
/// ```
pub trait UserMappable: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for OwnedPages {}
impl UserMappable for OwnedPages {}

/// Pages that are used through their table alone: the table's own, and those of a [`PageOwner`].
///
/// [`PinnedPages`](crate::PinnedPages) are not, for user space uses them too, and may be allowed
/// only to read.
///
/// ```
/// # use sgdma::{ByteBuffer, Exclusive, OwnedPages};
/// fn is<P: Exclusive>() {}
/// is::<OwnedPages>();
/// is::<ByteBuffer>();
/// ```
pub trait Exclusive {}

impl Exclusive for OwnedPages {}
impl<P: PageOwner> Exclusive for P {}

/// A table mapped for a device that is coherent, in place: what either writes, the other reads.
///
/// No synchronisation, no bounce buffer, no guard. That the two do not tread on each other's toes is
/// between the driver and its device. Dropping it unmaps and frees; before the device is told any
/// address, [`submit`](Self::submit) it. The CPU has access then, too.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, InFlight, SgTable, Shared};
/// /// A ring that the device reads and writes for as long as it is bound.
/// fn ring<'bound>(
///     dev: CoherentDevice<'bound>,
/// ) -> Result<InFlight<Shared<'bound, Bidirectional>>> {
///     let ring = SgTable::alloc(1 << 16, dev.dma(), GFP_KERNEL)?.map_shared(dev, Bidirectional)?;
///     ring.copy_from_slice(0, b"first entry")?;
///     let ring = ring.submit();
///     let mut head = [0; 4];
///     ring.copy_to_slice(16, &mut head)?; // While the device is at it.
///     Ok(ring)
/// }
/// ```
///
/// # Invariants
///
/// The mapping needs no synchronisation: the device is coherent, and all of it is in place.
pub struct Shared<'bound, D: Direction, P = OwnedPages>(pub(crate) Mapped<'bound, D, P>);

impl<P> SgTable<P> {
    /// Maps the buffer for simultaneous access. Does not sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them.
    ///
    /// - `EIO` if a page would have to bounce all the same: memory was added beyond the device's
    ///   reach since it was probed, or the device is untrusted and the buffer is not whole pages.
    /// - Those of [`map`](Self::map).
    pub fn map_shared<'bound, D: Direction>(
        self,
        dev: CoherentDevice<'bound>,
        direction: D,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        self.map_shared_attrs(dev, direction, Attrs::NONE)
    }

    /// As [`map_shared`](Self::map_shared), for pages that user space sees while the device does:
    /// `DMA_ATTR_REQUIRE_COHERENT`.
    ///
    /// # Errors
    ///
    /// As for `map_shared`; `EOPNOTSUPP` also if the kernel finds that the device is not coherent.
    pub fn map_shared_with_user<'bound, D: Direction>(
        self,
        dev: CoherentDevice<'bound>,
        direction: D,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        self.map_shared_attrs(dev, direction, Attrs::REQUIRE_COHERENT)
    }

    fn map_shared_attrs<'bound, D: Direction>(
        self,
        dev: CoherentDevice<'bound>,
        direction: D,
        attrs: Attrs,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        let mapped = self.map_attrs(dev.dma(), direction, attrs)?;
        if !mapped.is_in_place() {
            return Err(Refused {
                error: EIO,
                buffer: mapped.unmap(),
            });
        }
        // INVARIANT: The witness says that the device is coherent; the rest was checked.
        Ok(Shared(mapped))
    }
}

impl<'bound, D: Direction, P> Shared<'bound, D, P> {
    /// Copies from byte `offset` of the buffer on into all of `dst`. Does not sleep.
    ///
    /// What the device or another CPU writes meanwhile may be seen in part.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.0.table().copy_to_slice(offset, dst)
    }

    /// Maps the buffer's bytes from `offset` on, a multiple of the page size, to user space at `vma`:
    /// `vm_insert_page()`. May sleep.
    ///
    /// User space keeps the pages as long as its mapping, also after the buffer is gone, and may
    /// change them after it was unmapped.
    ///
    /// ```
    /// # use kernel::{mm::virt::VmaNew, prelude::*};
    /// # use sgdma::{Bidirectional, Shared};
    /// // In `FileOps::mmap`:
    /// # fn mmap(ring: &Shared<'_, Bidirectional>, offset: u64, vma: &VmaNew) -> Result {
    /// ring.map_to_user(usize::try_from(offset)?, vma)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `offset` is not a multiple of the page size or `vma` reaches beyond the buffer's
    ///   last page, if `vma` is private or its file not open for writing, or if the buffer was not mapped by
    ///   [`map_shared_with_user`](SgTable::map_shared_with_user).
    /// - `ENOMEM` if there is no memory for page tables.
    pub fn map_to_user(&self, offset: usize, vma: &VmaNew) -> Result
    where
        P: UserMappable,
    {
        let pages = (vma.end() - vma.start()) / PAGE_SIZE;
        let all = self.len().div_ceil(PAGE_SIZE);
        let first = offset / PAGE_SIZE;
        if offset % PAGE_SIZE != 0
            || first.checked_add(pages).is_none_or(|end| end > all)
            || vma.flags() & flags::SHARED == 0
            || !self.0.attrs().contains(Attrs::REQUIRE_COHERENT)
        {
            return Err(EINVAL);
        }
        let vma = vma.set_mixedmap();
        let wanted = self
            .cpu()
            .pages_once()
            .flat_map(|(page, count)| (0..count).map(move |i| page.wrapping_add(i)));
        for (i, page) in wanted.skip(first).take(pages).enumerate() {
            let page = NonNull::new(page).ok_or(EINVAL)?;
            // SAFETY: The page is the buffer's, and stays as long as that.
            let page = unsafe { BorrowedPage::from_raw(page) };
            vma.vm_insert_page(vma.start() + i * PAGE_SIZE, &page)?;
        }
        Ok(())
    }

    /// Says that the device is about to be told addresses of this buffer.
    ///
    /// From here on until [`InFlight::complete`] nothing unmaps or frees it.
    pub fn submit(self) -> InFlight<Self>
    where
        P: Send + 'static,
    {
        InFlight::new(self)
    }
}

impl<'bound, D: Direction, P: Exclusive> Shared<'bound, D, P> {
    /// Copies `src` into the buffer, from byte `offset` on. Does not sleep.
    ///
    /// The device or another CPU may see it in part meanwhile.
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
    pub fn unmap(self) -> SgTable<P> {
        self.0.unmap()
    }
}

/// What can be known of any mapping, and the walks over it.
impl<'bound, D: Direction, P> Deref for Shared<'bound, D, P> {
    type Target = Mapped<'bound, D, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<D: Direction, P: Send + 'static> Mapping for Shared<'_, D, P> {}

impl<D: Direction, P: Send + 'static> private::Mapping for Shared<'_, D, P> {
    fn device(&self) -> DmaDevice<'_> {
        self.0.device()
    }

    fn hold(self, epoch: u64) {
        self.0.hold(epoch);
    }
}
