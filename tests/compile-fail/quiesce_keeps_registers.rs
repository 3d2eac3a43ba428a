// SPDX-License-Identifier: GPL-2.0

//! Registers that are used after the stage in which the device is made quiet.

use kernel::{
    device::Core,
    pci,
    prelude::*, //
};

fn quiesce(pdev: &pci::Device<Core<'_>>) -> Result<pci::Bar<'static, 8>> {
    pdev.iomap_region_sized::<8>(0, c"kept")
}
