// SPDX-License-Identifier: GPL-2.0

//! A table that describes no pages, or somebody else's.

use kernel::{
    bindings,
    prelude::*, //
};
use sgdma::*;

fn f(sgt: bindings::sg_table) -> SgTable {
    SgTable {
        sgt,
        pages: KVVec::new(),
        len: 1,
    }
}
