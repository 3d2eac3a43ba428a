// SPDX-License-Identifier: GPL-2.0

//! Detaching what was submitted, through the value that submitting took.

use sgdma::*;

fn f(attached: Attached<'_, FromDevice>) {
    let _in_flight = attached.submit();
    drop(attached);
}
