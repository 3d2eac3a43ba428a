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
pub trait Direction: private::Sealed + Copy + Send + Sync + 'static {
    /// The C API's value, `enum dma_data_direction`.
    const DIRECTION: DataDirection;
}

/// A direction in which the device reads what the CPU wrote.
pub trait DeviceReads: Direction {}

/// A direction in which the device writes what the CPU will read.
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
