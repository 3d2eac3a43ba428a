// SPDX-License-Identifier: GPL-2.0

//! A verdict in an open file, which outlives the binding.

use kernel::prelude::*;
use sgdma::*;

struct File<'bound>(CoherentDevice<'bound>);

fn keep<'bound>(dev: CoherentDevice<'bound>) -> KBox<dyn Send + 'static> {
    KBox::new(File(dev), GFP_KERNEL).unwrap_or_else(|_| loop {})
}
