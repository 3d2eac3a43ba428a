// SPDX-License-Identifier: GPL-2.0

//! Saying of a table that a device is coherent for it.

use sgdma::*;

fn f<'bound>(dev: DmaDevice<'bound>, table: SgTable) -> InPlace<'bound, SgTable> {
    InPlace { dev, table }
}
