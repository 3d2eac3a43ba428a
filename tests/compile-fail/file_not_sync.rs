// SPDX-License-Identifier: GPL-2.0

//! An open file that tasks cannot share: those that inherited it call at once.

mod driver;

use core::cell::Cell;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(Cell<u32>);
