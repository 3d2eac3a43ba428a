// SPDX-License-Identifier: GPL-2.0

//! Pages taken from under the device.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice, ByteBuffer>) -> ByteBuffer {
    mapped.into_owner()
}
