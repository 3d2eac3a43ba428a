// SPDX-License-Identifier: GPL-2.0

//! Writing a buffer that devices of the domain only write: none would read it.

use kernel::prelude::*;
use sgdma::*;

fn f(mapping: &DomainMapping<FromDevice>) -> Result {
    mapping.for_cpu()?.copy_from_slice(0, b"unread")
}
