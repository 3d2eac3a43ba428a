// SPDX-License-Identifier: GPL-2.0

//! Mapping one table twice: it has room for the addresses of one mapping.

use sgdma::*;

fn f(one: DmaDevice<'_>, other: DmaDevice<'_>, table: SgTable) {
    let _mapped = table.map(one, ToDevice);
    let _again = table.map(other, ToDevice);
}
