// SPDX-License-Identifier: GPL-2.0

//! The witness that one table can be shared with a device in place.
//!
//! A [`CoherentDevice`](crate::CoherentDevice) can share all memory. A device whose DMA mask leaves
//! out some memory is no `CoherentDevice`, but can still share a table that lies within its reach.
//! [`InPlace`] proves that for one table.

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

/// A table that one device can share with the CPU, although the device may not reach all memory.
///
/// The table is a [`SgTable`] or a [`UserTable`](crate::UserTable). The device is coherent with the
/// CPU's caches, nothing forces the device to bounce, and the device reaches all pages of the
/// table. A mapping of the table has not bounced and needs no synchronisation.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, Shared};
/// /// Maps a ring, also for a device whose DMA mask leaves out some of the machine's memory.
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
/// `SgTable::check_in_place()` has succeeded for `table` and `dev`.
#[must_use = "the table is in it: call map_shared() or into_table()"]
pub struct InPlace<'bound, T> {
    dev: DmaDevice<'bound>,
    table: T,
}

impl<'bound, T> InPlace<'bound, T> {
    /// Creates the witness if `checked`, the result of [`SgTable::check_in_place`] for `table` and
    /// `dev`, is no error.
    pub(crate) fn new(
        dev: DmaDevice<'bound>,
        table: T,
        checked: Result,
    ) -> Result<Self, BufferError<T>> {
        match checked {
            // INVARIANT: `checked` is the result for this `table` and `dev`, and is no error.
            Ok(()) => Ok(Self { dev, table }),
            Err(error) => Err(BufferError {
                error,
                buffer: table,
            }),
        }
    }

    /// Returns the table.
    pub fn into_table(self) -> T {
        self.table
    }

    /// Returns the device and the table.
    pub(crate) fn into_parts(self) -> (DmaDevice<'bound>, T) {
        (self.dev, self.table)
    }
}

impl<'bound, P: Exclusive> InPlace<'bound, SgTable<P>> {
    /// Maps the buffer so that CPU and device can access it at the same time. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`SgTable::map_shared`].
    pub fn map_shared<D: Direction>(
        self,
        _direction: D,
    ) -> Result<Shared<'bound, D, P>, BufferError<SgTable<P>>> {
        self.table.share_exclusive(self.dev)
    }
}

impl<P: Exclusive> SgTable<P> {
    /// Checks that `dev` can share the buffer, although `dev` may not be able to share all memory.
    /// For process context; does not sleep.
    ///
    /// The check succeeds for a device whose [`Coherency`](crate::Coherency) is `Coherent`. It also
    /// succeeds if the coherency is `MayBounce` because of [`Mask`](crate::Bounce::Mask) or
    /// [`BusLimit`](crate::Bounce::BusLimit) and the device reaches all pages of this buffer.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer.
    ///
    /// - `EOPNOTSUPP` if the coherency is another one, or the library was loaded with
    ///   `sync_debug=1`.
    /// - `EIO` if the device does not reach a page of the buffer.
    pub fn in_place_for(self, dev: DmaDevice<'_>) -> Result<InPlace<'_, Self>, BufferError<Self>> {
        let checked = self.check_in_place(dev);
        InPlace::new(dev, self, checked)
    }
}
