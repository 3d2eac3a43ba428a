// SPDX-License-Identifier: GPL-2.0

//! Giving a process bytes that are the device's: there is no guard.

use kernel::iov::IovIterDest;
use sgdma::*;

fn f(in_flight: &InFlight<Mapped<'_, FromDevice>>, dst: &mut IovIterDest<'_>) {
    let _ = in_flight.copy_to_iter(0, 1, dst);
}
