// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to a buffer that the device works on.

use sgdma::*;

fn f(mut in_flight: InFlight<Mapped<'_, Bidirectional>>, bytes: &mut [u8]) {
    let _ = in_flight.copy_from_slice(0, bytes);
    let _ = in_flight.copy_to_slice(0, bytes);
}
