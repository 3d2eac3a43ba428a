// SPDX-License-Identifier: GPL-2.0

//! Reading from a dma-buf in a turn in which the CPU writes what devices read.

use kernel::prelude::*;
use sgdma::*;

fn f(buffer: &DmaBuf, bytes: &mut [u8]) -> Result {
    buffer.for_cpu(ToDevice)?.copy_to_slice(0, bytes)
}
