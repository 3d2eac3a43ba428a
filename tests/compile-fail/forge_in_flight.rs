// SPDX-License-Identifier: GPL-2.0

//! Something in flight that was not submitted.

use core::mem::ManuallyDrop;
use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) -> InFlight<Mapped<'_, ToDevice>> {
    InFlight {
        mapping: ManuallyDrop::new(mapped),
        epoch: 0,
    }
}
