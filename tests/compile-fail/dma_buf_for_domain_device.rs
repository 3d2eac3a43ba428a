// SPDX-License-Identifier: GPL-2.0

//! A dma-buf for a device that is attached to a domain: exporters map by the DMA API.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>, buffer: &DmaBuf) -> Result {
    drop(buffer.attach(dev, ToDevice)?);
    Ok(())
}
