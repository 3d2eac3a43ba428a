// SPDX-License-Identifier: GPL-2.0

//! Unmapping under the CPU's guard, which would then copy to freed pages.

use kernel::prelude::*;
use sgdma::*;

fn f(mapping: DomainMapping<ToDevice>) -> Result {
    let cpu = mapping.for_cpu()?;
    drop(mapping.unmap());
    cpu.copy_from_slice(0, b"late")
}
