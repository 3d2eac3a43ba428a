// SPDX-License-Identifier: GPL-2.0

//! Driver's data that tasks cannot share: operations of several run at once.

mod driver;

use core::cell::Cell;
use sgdma::*;

struct Data<'bound>(Cell<Option<DmaDevice<'bound>>>);
struct File;
