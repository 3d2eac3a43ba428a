// SPDX-License-Identifier: GPL-2.0

//! Writing to a dma-buf in a turn in which the CPU reads what devices wrote.

use kernel::prelude::*;
use sgdma::*;

fn f(buffer: &DmaBuf, bytes: &[u8]) -> Result {
    buffer.for_cpu(FromDevice)?.copy_from_slice(0, bytes)
}
