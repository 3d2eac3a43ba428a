// SPDX-License-Identifier: GPL-2.0

//! A device that is said to be attached to a domain of another device.

use sgdma::*;

fn f<'bound>(dma: DmaDevice<'bound>, domain: &'bound Domain) -> DomainDevice<'bound> {
    DomainDevice { dma, domain }
}
