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

macro_rules! directions {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl private::Sealed for $name {}

        impl Direction for $name {
            const DIRECTION: DataDirection = DataDirection::$name;
        }
    )*};
}

directions! {
    /// The device reads the buffer: `DMA_TO_DEVICE`.
    ToDevice;
    /// The device writes the buffer: `DMA_FROM_DEVICE`.
    FromDevice;
    /// The device reads and writes the buffer: `DMA_BIDIRECTIONAL`.
    Bidirectional;
}
