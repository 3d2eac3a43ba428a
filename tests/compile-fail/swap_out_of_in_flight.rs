// SPDX-License-Identifier: GPL-2.0

//! Swapping the mapping that is in flight for another, which can then be unmapped.

use sgdma::*;

fn f<'bound>(
    in_flight: &mut InFlight<Mapped<'bound, FromDevice>>,
    mut other: Mapped<'bound, FromDevice>,
) {
    core::mem::swap(&mut **in_flight, &mut other);
}
