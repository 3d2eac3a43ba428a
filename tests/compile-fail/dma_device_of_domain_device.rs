// SPDX-License-Identifier: GPL-2.0

//! The device of the DMA API behind one that is attached to a domain.

use sgdma::*;

fn f(dev: DomainDevice<'_>) -> DmaDevice<'_> {
    dev.member.dma
}

fn g(dev: DomainDevice<'_>) -> DmaDevice<'_> {
    dev.member().dma
}
