// SPDX-License-Identifier: GPL-2.0

//! Directions of a mapping, as types.
//!
//! C header: [`include/linux/dma-direction.h`](srctree/include/linux/dma-direction.h)
//!
//! A direction tells who writes a mapped buffer: the CPU ([`ToDevice`]), the device
//! ([`FromDevice`]), or both ([`Bidirectional`]). The kernel syncs caches and bounce buffers by it,
//! so bytes that go the other way may be lost. As the direction is part of a mapping's type, a
//! function can ask for [`DeviceReads`] or [`DeviceWrites`], and a wrong direction does not
//! compile.
//!
//! C's `DMA_NONE` has no counterpart: the kernel stops with a `BUG_ON()` if it is asked to map with
//! `DMA_NONE`.

use kernel::dma::DataDirection;

mod private {
    pub trait Sealed {}
}

/// A direction of DMA: [`ToDevice`], [`FromDevice`] or [`Bidirectional`].
///
/// No other type can implement it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Direction, DmaDevice, FromDevice, Mapped, SgTable, ToDevice};
/// fn map<'bound, D: Direction>(
///     dev: DmaDevice<'bound>,
///     table: SgTable,
///     direction: D,
/// ) -> Result<Mapped<'bound, D>> {
///     dev_dbg!(dev.device(), "mapping for {}\n", D::DIRECTION as u32);
///     Ok(table.map(dev, direction)?)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let to_device = map(dev, SgTable::alloc(100, dev, GFP_KERNEL)?, ToDevice)?;
/// let from_device = map(dev, to_device.unmap(), FromDevice)?; // The same bytes, the other way.
/// assert_eq!(from_device.len(), 100);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "dma_data_direction")]
pub trait Direction: private::Sealed + Copy + Send + Sync + 'static {
    /// The direction as the C API has it, a value of `enum dma_data_direction`.
    const DIRECTION: DataDirection;
}

/// A direction in which the device reads bytes that the CPU wrote.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DeviceReads, DmaDevice, Mapped, SgTable, ToDevice};
/// fn set_header<D: DeviceReads>(buffer: &mut Mapped<'_, D>, header: &[u8]) -> Result {
///     buffer.for_cpu().copy_from_slice(0, header)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut buffer = SgTable::alloc(1000, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// set_header(&mut buffer, b"header")?;
/// let mut bytes = [0xff; 7];
/// buffer.unmap().copy_to_slice(0, &mut bytes)?;
/// assert_eq!(bytes, *b"header\0");
/// # Ok(())
/// # }
/// ```
pub trait DeviceReads: Direction {}

/// A direction in which the device writes bytes that the CPU will read.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DeviceWrites, DmaDevice, Mapped, SgTable};
/// fn header<D: DeviceWrites>(buffer: &mut Mapped<'_, D>) -> Result<[u8; 16]> {
///     let mut header = [0; 16];
///     buffer.for_cpu().copy_to_slice(0, &mut header)?;
///     Ok(header)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut table = SgTable::alloc(1000, dev, GFP_KERNEL)?;
/// table.fill(0..10, 0xee)?;
/// let header = header(&mut table.map(dev, Bidirectional)?)?;
/// assert_eq!(header[8..], [0xee, 0xee, 0, 0, 0, 0, 0, 0]);
/// # Ok(())
/// # }
/// ```
pub trait DeviceWrites: Direction {}

/// Makes a unit struct of each direction, and implements the traits that are listed behind it.
macro_rules! directions {
    ($($(#[$attr:meta])* $name:ident: $($does:ident),*;)*) => {$(
        $(#[$attr])*
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
    /// The direction in which the device only reads the buffer: `DMA_TO_DEVICE`.
    #[doc(alias = "DMA_TO_DEVICE")]
    ToDevice: DeviceReads;
    /// The direction in which the device only writes the buffer: `DMA_FROM_DEVICE`.
    #[doc(alias = "DMA_FROM_DEVICE")]
    FromDevice: DeviceWrites;
    /// The direction in which the device reads and writes the buffer: `DMA_BIDIRECTIONAL`.
    #[doc(alias = "DMA_BIDIRECTIONAL")]
    Bidirectional: DeviceReads, DeviceWrites;
}
