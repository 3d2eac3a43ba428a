// SPDX-License-Identifier: GPL-2.0

//! A mapping that was never made.

use sgdma::*;

fn f<'bound>(dev: DmaDevice<'bound>, table: SgTable) -> Mapped<'bound, ToDevice> {
    Mapped { dev, table }
}
