// SPDX-License-Identifier: GPL-2.0

//! Walking on after completion: such addresses are the device's no more.

use sgdma::*;

fn f(in_flight: InFlight<Mapped<'_, ToDevice>>) {
    let mut walk = in_flight.dma_runs();
    let _mapped = in_flight.complete();
    let _ = walk.next();
}
