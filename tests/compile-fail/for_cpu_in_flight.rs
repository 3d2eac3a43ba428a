// SPDX-License-Identifier: GPL-2.0

//! Taking a buffer for the CPU while the device works on it.

use sgdma::*;

fn f(mut in_flight: InFlight<Mapped<'_, FromDevice>>) {
    let _ = in_flight.for_cpu();
}
