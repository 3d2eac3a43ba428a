// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to a table that is linked in a range.

use kernel::prelude::*;
use sgdma::*;

fn f(range: &mut Iova<'_, FromDevice>, table: SgTable, bytes: &mut [u8]) {
    let _linked = range.link(0, table, GFP_KERNEL);
    let _ = table.copy_to_slice(0, bytes);
}
