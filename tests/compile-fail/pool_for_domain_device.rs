// SPDX-License-Identifier: GPL-2.0

//! A pool of the DMA API for a device that is attached to a domain, and finds nothing of it.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>) -> Result {
    drop(DmaPool::new(c"pool", dev, 64, 64, 0)?);
    Ok(())
}
