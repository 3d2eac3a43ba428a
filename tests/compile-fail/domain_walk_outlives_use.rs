// SPDX-License-Identifier: GPL-2.0

//! Walking on after the device's use of a mapping: nothing may be mapped at the addresses then.

use sgdma::*;

fn f(given: DomainUse<'_, ToDevice>) {
    let mut walk = given.dma_pages();
    drop(given);
    let _ = walk.next();
}
