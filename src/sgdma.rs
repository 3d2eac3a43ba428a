// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather DMA for drivers, in safe Rust.
//!
//! C headers: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h),
//! [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! A buffer is an [`SgTable`]. Mapped for a [`DmaDevice`] it becomes a [`Mapped`] table, which the
//! CPU cannot touch and whose bus addresses can be walked; while the device works on it, it is
//! [`InFlight`]. A driver implements [`pci::Driver`]; its open files implement [`FileOps`].
//!
//! # Trust boundary
//!
//! Bus addresses are plain integers, and writing them into a device's registers is safe code: no
//! type can keep a driver from using a stale one. What is guaranteed is that a buffer which was
//! submitted is neither unmapped, nor freed, nor shown to the CPU before the driver said that the
//! device is done with it.

mod bindings;
mod device;
mod direction;
mod dma_walk;
mod files;
mod frames;
mod gate;
mod mapping;
pub mod pci;
mod scatterlist;
#[cfg(CONFIG_KUNIT = "y")]
mod selftest;
mod table;

pub use device::{
    DmaDevice,
    DmaLimits, //
};
pub use direction::{
    Bidirectional,
    Direction,
    FromDevice,
    ToDevice, //
};
pub use dma_walk::{
    DmaPages,
    DmaRuns, //
};
pub use files::{
    FileOps,
    Lent,
    NoFiles, //
};
pub use frames::Run;
pub use mapping::{
    InFlight,
    MapError,
    Mapped, //
};
pub use table::{
    SegmentLimits,
    SgTable, //
};

use kernel::prelude::*;

module! {
    type: Sgdma,
    name: "sgdma",
    authors: ["sgdma developers"],
    description: "Scatter-gather DMA for Rust drivers: tables, walks, mappings",
    license: "GPL",
}

struct Sgdma;

impl kernel::Module for Sgdma {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("ready\n");
        Ok(Self)
    }
}
