// SPDX-License-Identifier: GPL-2.0

//! Telling the device addresses of a buffer that may be unmapped at any time.

use sgdma::*;

fn f(in_flight: InFlight<Mapped<'_, ToDevice>>) {
    let _mapped = in_flight.complete();
    let _ = in_flight.dma_pages();
}
