// SPDX-License-Identifier: GPL-2.0

//! Driver's data that is tied to the task that probed: others unbind.

mod driver;

use kernel::types::NotThreadSafe;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>, NotThreadSafe);
struct File;

// SAFETY: There is nothing in it; only `Send` is missing.
unsafe impl Sync for Data<'_> {}
