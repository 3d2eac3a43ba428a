// SPDX-License-Identifier: GPL-2.0

//! Bytes of a mapping in a domain without the CPU's turn.

use kernel::prelude::*;
use sgdma::*;

fn f(mapping: &DomainMapping<ToDevice>) -> Result {
    mapping.copy_from_slice(0, b"not mine")
}
