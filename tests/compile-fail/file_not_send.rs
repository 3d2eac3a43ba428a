// SPDX-License-Identifier: GPL-2.0

//! An open file that is tied to the task that opened it: another may close it.

mod driver;

use kernel::types::NotThreadSafe;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(NotThreadSafe);

// SAFETY: There is nothing in it; only `Send` is missing.
unsafe impl Sync for File {}
