// SPDX-License-Identifier: GPL-2.0

//! A reference to bytes that the device has.

use sgdma::*;

fn f<'a>(mapped: &'a Mapped<'_, ToDevice, ByteBuffer>) -> &'a [u8] {
    mapped.as_slice()
}
