// SPDX-License-Identifier: GPL-2.0

//! Pinning what a process writes to a file for a device that writes there.

use kernel::{
    iov::IovIterSource,
    prelude::*, //
};
use sgdma::*;

fn f(src: &mut IovIterSource<'_>) -> Result<UserTable<FromDevice>> {
    UserTable::pin_iter(src, 1, FromDevice, SegmentLimits::NONE)
}
