// SPDX-License-Identifier: GPL-2.0

//! An address of a domain for a device that is not attached.

use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::*;

fn f(dev: DmaDevice<'_>, mapping: &DomainMapping<ToDevice>) -> Result<DmaAddress> {
    Ok(mapping.for_device(dev)?.dma_address())
}
