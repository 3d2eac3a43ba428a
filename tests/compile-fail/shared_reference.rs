// SPDX-License-Identifier: GPL-2.0

//! A reference to bytes that the device shares.

use sgdma::*;

fn f<'a>(shared: &'a Shared<'_, Bidirectional, ByteBuffer>) -> &'a [u8] {
    shared.as_slice()
}
