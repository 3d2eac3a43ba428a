// SPDX-License-Identifier: GPL-2.0

//! Unmapping under a device that works on the buffer.

use sgdma::*;

fn f(in_flight: InFlight<Mapped<'_, FromDevice>>) {
    let _ = in_flight.unmap();
}
