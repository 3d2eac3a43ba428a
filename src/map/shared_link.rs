// SPDX-License-Identifier: GPL-2.0

//! Tables that are linked in a range, and that the CPU and a coherent device access at the same
//! time.
//!
//! What `shared.rs` says of a mapped table holds for one that is linked.

use crate::{
    base::direction::{
        DeviceReads,
        Direction, //
    },
    device::coherent::CoherentDevice,
    map::{
        exclusive::Exclusive,
        iova::{
            Iova,
            IovaError, //
        },
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
use core::marker::PhantomData;
use kernel::prelude::*;

/// A table that is linked in an [`Iova`], for the CPU and a coherent device at the same time.
///
/// The view borrows the range, in flight or not. The CPU copies the bytes by
/// [`copy_to_slice`](Self::copy_to_slice), and accesses them by [`Words`].
///
/// # Invariants
///
/// The table is linked for a device that is coherent with the CPU's caches and accesses all pages
/// in place.
pub struct SharedLink<'a, D: Direction, P = OwnedPages> {
    table: &'a SgTable<P>,
    _direction: PhantomData<D>,
}

impl<'bound, D: Direction, P: Exclusive> Iova<'bound, D, P> {
    /// Returns the table that is linked at `offset`, for the CPU and the device at the same time.
    /// For process context; does not sleep.
    ///
    /// `dev` is the witness that the device of this range is coherent.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, Iova, SgTable, Words};
    /// fn ring(dev: CoherentDevice<'_>) -> Result {
    ///     let mut range = Iova::reserve(dev.dma(), 1 << 20, Bidirectional, GFP_KERNEL)?;
    ///     range.link(1 << 16, SgTable::alloc(4096, dev.dma(), GFP_KERNEL)?, GFP_KERNEL)?;
    ///     let range = range.submit()?;
    ///     let ring = range.shared(1 << 16, dev)?;
    ///     ring.write(8, 7u32)?; // The device may be reading at the same time.
    ///     assert_eq!(ring.read::<u32>(8)?, 7);
    ///     drop(range.complete());
    ///     Ok(())
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// # CoherentDevice::new(dev).map_or(Ok(()), ring)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - `ENOENT` if no table is linked from `offset` on.
    /// - `EXDEV` if `dev` is another device.
    /// - `EIO` if memory beyond the device's reach was added after the probe, and the table has a
    ///   page there.
    pub fn shared(
        &self,
        offset: usize,
        dev: CoherentDevice<'bound>,
    ) -> Result<SharedLink<'_, D, P>, IovaError> {
        let table = self.linked_table(offset)?;
        let len = table.len();
        if dev.dma().as_raw() != self.dma().as_raw() {
            let error = EXDEV;
            return Err(IovaError { error, offset, len });
        }
        // A range that is one run has only whole pages, which never bounce.
        // SAFETY:
        // - The table is linked, which without one run is mapped, for this device, as long as
        //   `self` is borrowed.
        // - Both views are of this table, which consists of system memory.
        let in_place = self.is_one_run()
            || unsafe { self.table(offset)?.is_in_place(table.cpu(), self.dma()) };
        if !in_place {
            let error = EIO;
            return Err(IovaError { error, offset, len });
        }
        // INVARIANT: The witness is that of the range's device. All pages are in place.
        Ok(SharedLink {
            table,
            _direction: PhantomData,
        })
    }
}

impl<D: Direction, P> SharedLink<'_, D, P> {
    /// Copies bytes from `offset` of the table on to all of `dst`. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the table.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.table.copy_to_slice(offset, dst)
    }
}

// SAFETY:
// - The piece is in a page of the table, which stays linked as long as the range is borrowed. The
//   range has the table, so the table lends no reference to its bytes.
// - The other requirements are those that `piece_of_table()` keeps.
unsafe impl<D: DeviceReads, P: Exclusive> Memory for SharedLink<'_, D, P> {
    #[inline]
    fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        piece_of_table(self.table, offset, len)
    }
}

impl<D: DeviceReads, P: Exclusive> Words for SharedLink<'_, D, P> {}
