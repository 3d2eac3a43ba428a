// SPDX-License-Identifier: GPL-2.0

//! A shared buffer unmapped while the device works on it.

use sgdma::*;

fn f(shared: Shared<'_, Bidirectional>) {
    let in_flight = shared.submit();
    let _ = in_flight.unmap();
}
