// SPDX-License-Identifier: GPL-2.0

//! Direction of a mapping, as a type.
//!
//! C header: [`include/linux/dma-direction.h`](srctree/include/linux/dma-direction.h)
//!
//! `DMA_NONE`, which mapping answers with a `BUG_ON`, has no counterpart here.

use kernel::dma::DataDirection;

mod private {
    pub trait Sealed {}
}

/// One of [`ToDevice`], [`FromDevice`] and [`Bidirectional`].
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Direction, DmaDevice, Mapped, SgTable};
/// fn map<'bound, D: Direction>(
///     dev: DmaDevice<'bound>,
///     table: SgTable,
///     direction: D,
/// ) -> Result<Mapped<'bound, D>> {
///     dev_dbg!(dev.device(), "mapping for {}\n", D::DIRECTION as u32);
///     Ok(table.map(dev, direction)?)
/// }
/// ```
pub trait Direction: private::Sealed + Copy + Send + Sync + 'static {
    /// The C API's value, `enum dma_data_direction`.
    const DIRECTION: DataDirection;
}

/// A direction in which the device reads what the CPU wrote.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DeviceReads, Mapped};
/// fn set_header<D: DeviceReads>(buffer: &mut Mapped<'_, D>, header: &[u8]) -> Result {
///     buffer.for_cpu().copy_from_slice(0, header)
/// }
/// ```
pub trait DeviceReads: Direction {}

/// A direction in which the device writes what the CPU will read.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DeviceWrites, Mapped};
/// fn header<D: DeviceWrites>(buffer: &mut Mapped<'_, D>) -> Result<[u8; 16]> {
///     let mut header = [0; 16];
///     buffer.for_cpu().copy_to_slice(0, &mut header)?;
///     Ok(header)
/// }
/// ```
pub trait DeviceWrites: Direction {}

macro_rules! directions {
    ($($(#[$doc:meta])* $name:ident: $($does:ident),*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl private::Sealed for $name {}

        impl Direction for $name {
            const DIRECTION: DataDirection = DataDirection::$name;
        }

        $(impl $does for $name {})*
    )*};
}

directions! {
    /// The device reads the buffer: `DMA_TO_DEVICE`.
    ToDevice: DeviceReads;
    /// The device writes the buffer: `DMA_FROM_DEVICE`.
    FromDevice: DeviceWrites;
    /// The device reads and writes the buffer: `DMA_BIDIRECTIONAL`.
    Bidirectional: DeviceReads, DeviceWrites;
}
