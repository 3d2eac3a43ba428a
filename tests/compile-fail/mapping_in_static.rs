// SPDX-License-Identifier: GPL-2.0

//! A mapping in a static, which no binding outlives.

use kernel::prelude::*;
use sgdma::*;

kernel::sync::global_lock! {
    // SAFETY: Never initialised, as it does not compile.
    unsafe(uninit) static KEPT: Mutex<Option<Mapped<'static, ToDevice>>> = None;
}

fn f(mapped: Mapped<'_, ToDevice>) {
    *KEPT.lock() = Some(mapped);
}
