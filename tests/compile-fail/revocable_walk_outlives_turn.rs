// SPDX-License-Identifier: GPL-2.0

//! Walking on after the buffer was given back: nothing is mapped at the addresses then.

use sgdma::*;

fn f(in_flight: InFlight<Revocable<'_, ToDevice>>) -> kernel::error::Result {
    let mut walk = in_flight.table()?.dma_pages();
    drop(in_flight.complete());
    let _ = walk.next();
    Ok(())
}
