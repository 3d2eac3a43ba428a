// SPDX-License-Identifier: GPL-2.0

//! The witness that one table can be shared with a device in place.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::Direction, //
    },
    device::dma_device::DmaDevice,
    map::{
        exclusive::Exclusive,
        shared::Shared, //
    },
    table::sg_table::SgTable, //
};
use kernel::prelude::*;

/// A table that one device can share with the CPU, although it may not reach all memory.
///
/// A [`CoherentDevice`](crate::CoherentDevice) speaks of all memory. This speaks of one table, a
/// [`SgTable`] or a [`UserTable`](crate::UserTable): nothing forces the device to bounce, caches
/// are coherent with it, and it reaches all pages of the table where they are. What is mapped by it
/// has not bounced either, and needs no synchronisation.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, Shared};
/// /// A ring, also for a device whose DMA mask leaves out some of the machine's memory.
/// fn ring(dma: DmaDevice<'_>) -> Result<Shared<'_, Bidirectional>> {
///     let table = SgTable::alloc(1 << 16, dma, GFP_KERNEL)?;
///     match CoherentDevice::new(dma) {
///         Ok(dev) => Ok(table.map_shared(dev, Bidirectional)?),
///         Err(_) => Ok(table.in_place_for(dma)?.map_shared(Bidirectional)?),
///     }
/// }
/// ```
///
/// # Invariants
///
/// The device was found to be coherent for the table.
pub struct InPlace<'bound, T> {
    dev: DmaDevice<'bound>,
    table: T,
}

impl<'bound, T> InPlace<'bound, T> {
    /// `checked` is what [`SgTable::check_in_place`] says of `table` and `dev`.
    pub(crate) fn new(
        dev: DmaDevice<'bound>,
        table: T,
        checked: Result,
    ) -> Result<Self, BufferError<T>> {
        match checked {
            // INVARIANT: Found just now.
            Ok(()) => Ok(Self { dev, table }),
            Err(error) => Err(BufferError {
                error,
                buffer: table,
            }),
        }
    }

    /// Gives the table back.
    pub fn into_table(self) -> T {
        self.table
    }

    pub(crate) fn into_parts(self) -> (DmaDevice<'bound>, T) {
        (self.dev, self.table)
    }
}

impl<'bound, P: Exclusive> InPlace<'bound, SgTable<P>> {
    /// Maps the buffer for simultaneous access. Does not sleep.
    ///
    /// # Errors
    ///
    /// As for [`SgTable::map_shared`].
    pub fn map_shared<D: Direction>(
        self,
        _direction: D,
    ) -> Result<Shared<'bound, D, P>, BufferError<SgTable<P>>> {
        self.table.share_exclusive(self.dev)
    }
}

impl<P: Exclusive> SgTable<P> {
    /// Shows that `dev` can share the buffer although it could not share all memory: its verdict is
    /// [`Coherent`](Coherency::Coherent), or [`Mask`](Bounce::Mask) or
    /// [`BusLimit`](Bounce::BusLimit) and it reaches this buffer. For process context; does not
    /// sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them.
    ///
    /// - `EOPNOTSUPP` if the verdict is another, or the library was loaded with `sync_debug=1`.
    /// - `EIO` if some of the buffer lies beyond the device's reach.
    pub fn in_place_for(self, dev: DmaDevice<'_>) -> Result<InPlace<'_, Self>, BufferError<Self>> {
        let checked = self.check_in_place(dev);
        InPlace::new(dev, self, checked)
    }
}
