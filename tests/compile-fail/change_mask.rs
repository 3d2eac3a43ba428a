// SPDX-License-Identifier: GPL-2.0

//! Changing the DMA mask at probe, where memory may be mapped; `unsafe` in the kernel crate.

use kernel::{
    device::Core,
    dma::{
        Device,
        DmaMask, //
    },
    pci, //
};

fn f(pdev: &pci::Device<Core<'_>>) {
    let _ = pdev.dma_set_mask_and_coherent(DmaMask::new::<32>());
    pdev.dma_set_max_seg_size(1);
}
