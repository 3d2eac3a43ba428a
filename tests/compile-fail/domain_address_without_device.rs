// SPDX-License-Identifier: GPL-2.0

//! An address of a domain for no device: nobody says when its use ends.

use kernel::dma::DmaAddress;
use sgdma::*;

fn f(mapping: &DomainMapping<ToDevice>) -> DmaAddress {
    mapping.dma_address()
}
