// SPDX-License-Identifier: GPL-2.0

//! A witness for the DMA API of a device that is attached to a domain.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>) -> Result<CoherentDevice<'_>> {
    CoherentDevice::probe(dev)
}
