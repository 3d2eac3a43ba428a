// SPDX-License-Identifier: GPL-2.0

//! Reaching into what is in flight for the mapping, which dropped is unmapped.

use sgdma::*;

fn f(in_flight: InFlight<Mapped<'_, FromDevice>>) {
    let InFlight { mapping: _, .. } = in_flight;
}
