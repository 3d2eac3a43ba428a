// SPDX-License-Identifier: GPL-2.0

//! Keeping the pages of a table, which are freed or written by a device when it says so.

use sgdma::*;

fn f(table: &SgTable) {
    let _ = table.pages.iter();
}
