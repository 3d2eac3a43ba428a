// SPDX-License-Identifier: GPL-2.0

//! A ring of the DMA API for a device that is attached to a domain, and finds nothing of it.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>) -> Result {
    drop(CoherentBuffer::alloc(4096, dev, GFP_KERNEL)?);
    Ok(())
}
