// SPDX-License-Identifier: GPL-2.0

//! Shared mappings: buffers that the CPU and a coherent device access at the same time.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! Where the device is coherent with the CPU's caches and accesses the pages in place,
//! `dma_sync_*()` does nothing. Then no guard is needed, and the CPU may access the bytes also
//! while the buffer is in flight.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            DeviceReads,
            Direction, //
        }, //
    },
    device::{
        coherent::CoherentDevice,
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    map::{
        attrs::MapAttrs,
        exclusive::Exclusive,
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        mapped::Mapped,
        words::{
            piece_of_table,
            private::{
                Memory,
                Piece, //
            },
            Words, //
        }, //
    },
    table::{
        owned_pages::OwnedPages,
        sg_table::SgTable, //
    }, //
};
use core::ops::Deref;
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    str::CStrExt, //
};

/// A table that the CPU and a coherent device access at the same time.
///
/// Each side reads what the other writes, without synchronisation, bounce buffers or guards. The
/// driver and its device must agree on who writes which bytes when.
///
/// A drop unmaps the buffer and frees it, so call [`submit`](Self::submit) before the device is
/// told any address. The CPU still has access to the bytes while the buffer is in flight.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, InFlight, SgTable, Shared};
/// /// Maps a ring that the device reads and writes as long as it is bound.
/// fn ring<'bound>(
///     dev: CoherentDevice<'bound>,
/// ) -> Result<InFlight<Shared<'bound, Bidirectional>>> {
///     let ring = SgTable::alloc(1 << 16, dev.dma(), GFP_KERNEL)?.map_shared(dev, Bidirectional)?;
///     ring.copy_from_slice(0, b"first entry")?;
///     let ring = ring.submit();
///     let mut head = [0; 4];
///     ring.copy_to_slice(16, &mut head)?; // The device may be writing at the same time.
///     Ok(ring)
/// }
/// ```
///
/// # Invariants
///
/// - The device is coherent with the CPU's caches and accesses all pages of the mapping in place.
/// - If the pages are pinned, they are pinned for writing if the device writes in direction `D`.
#[must_use = "dropping a mapping unmaps the buffer and frees it"]
pub struct Shared<'bound, D: Direction, P = OwnedPages>(pub(crate) Mapped<'bound, D, P>);

impl<P: Exclusive> SgTable<P> {
    /// Maps the buffer so that CPU and device can access it at the same time: `dma_map_sgtable()`.
    /// Does not sleep.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer.
    ///
    /// - `EIO`, with a line in the log, if memory beyond the device's reach was added after the
    ///   probe, and the buffer has a page there.
    /// - `EIO`, with a line in the log, if the device is untrusted and the buffer of a
    ///   [`PageOwner`](crate::PageOwner) shares a page with other bytes.
    /// - `EIO` if the device is untrusted and the segments of the table are shorter than a page.
    /// - Those of [`map`](Self::map).
    #[doc(alias = "dma_map_sgtable")]
    pub fn map_shared<'bound, D: Direction>(
        self,
        dev: CoherentDevice<'bound>,
        _direction: D,
    ) -> Result<Shared<'bound, D, P>, BufferError<Self>> {
        self.share_exclusive(dev.dma())
    }

    /// Maps the buffer for `dev`, of which the caller has a witness that it is coherent for this
    /// buffer.
    pub(crate) fn share_exclusive<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
    ) -> Result<Shared<'bound, D, P>, BufferError<Self>> {
        self.share(dev, MapAttrs::of_owner::<P>())
    }
}

impl<P> SgTable<P> {
    /// Maps the buffer with `attrs` for `dev`, of which the caller has a witness that it is
    /// coherent for this buffer.
    ///
    /// For pinned pages `D` is the direction of their [`UserTable`](crate::UserTable).
    pub(crate) fn share<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        attrs: MapAttrs,
    ) -> Result<Shared<'bound, D, P>, BufferError<Self>> {
        let failed = match self.map_as(dev, attrs) {
            // INVARIANT: The caller has a witness that the device is coherent. `is_in_place()` has
            // returned true, so all pages are in place. Pinned pages are pinned for `D`, by the
            // invariants of `UserTable`.
            Ok(mapped) if mapped.is_in_place() => return Ok(Shared(mapped)),
            Ok(mapped) => BufferError {
                error: EIO,
                buffer: mapped.unmap(),
            },
            Err(failed) => failed,
        };
        if failed.error == EIO {
            failed.buffer.log_why_not_shared(dev, attrs);
        }
        Err(failed)
    }

    /// Logs why the buffer cannot be shared with `dev`, if the reason is known.
    fn log_why_not_shared(&self, dev: DmaDevice<'_>, attrs: MapAttrs) {
        let partial = !attrs.contains(MapAttrs::WHOLE_PAGES) && !self.is_whole_pages();
        let why = match dev.route() {
            DmaRoute::Direct if !self.is_reached_by(dev) => {
                c"some of it lies beyond the device's reach and would bounce: memory was added; \
                  use map() and guards"
            }
            DmaRoute::Iommu if partial => {
                c"the device is untrusted, so it is given whole pages, and one has other bytes, \
                  too: share whole pages, or use map() and guards"
            }
            _ => return,
        };
        // SAFETY: The device is valid: `dev` borrows it. `why` is a static string with a NUL.
        unsafe { ffi::sgdma_say_why_not_shared(dev.as_raw(), why.as_char_ptr()) };
    }
}

impl<'bound, D: Direction, P> Shared<'bound, D, P> {
    /// Copies bytes from `offset` of the buffer on to all of `dst`. Does not sleep.
    ///
    /// If the device or another CPU writes these bytes at the same time, the copy may have part of
    /// the new bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the buffer.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.0.table().copy_to_slice(offset, dst)
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
        self.0.table().copy_to_iter(offset, len, dst)
    }

    /// Puts the mapping in flight, before the device is told any address of it. Does not sleep.
    ///
    /// Nothing unmaps or frees the buffer until [`InFlight::complete`] is called.
    pub fn submit(self) -> InFlight<Self>
    where
        P: Send + 'static,
    {
        InFlight::new(self)
    }
}

impl<'bound, D: Direction, P: Exclusive> Shared<'bound, D, P> {
    /// Copies all of `src` to the buffer, from byte `offset` on. Does not sleep.
    ///
    /// If the device or another CPU reads these bytes at the same time, it may read part of the new
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
    #[doc(alias = "dma_unmap_sgtable")]
    pub fn unmap(self) -> SgTable<P> {
        self.0.unmap()
    }
}

/// Gives access to the methods of [`Mapped`] that take a shared reference, such as the walks.
impl<'bound, D: Direction, P> Deref for Shared<'bound, D, P> {
    type Target = Mapped<'bound, D, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

// SAFETY:
// - The piece is in a page of the table, which is valid as long as the mapping. The table is
//   mapped, so it lends no reference to its bytes.
// - The other requirements are those that `piece_of_table()` keeps.
unsafe impl<D: DeviceReads, P: Exclusive> Memory for Shared<'_, D, P> {
    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        piece_of_table(self.0.table(), offset, len)
    }
}

impl<D: DeviceReads, P: Exclusive> Words for Shared<'_, D, P> {}

impl<D: Direction, P: Send + 'static> Mapping for Shared<'_, D, P> {}

impl<D: Direction, P: Send + 'static> private::Mapping for Shared<'_, D, P> {
    fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        // SAFETY: The requirements are the same.
        unsafe { self.0.hold(epoch) };
    }
}
