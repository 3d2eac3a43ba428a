// SPDX-License-Identifier: GPL-2.0

//! A dma-buf of a pointer that nobody vouches for.

use core::ptr::NonNull;
use kernel::bindings;
use sgdma::*;

fn f(buf: NonNull<bindings::dma_buf>) -> DmaBuf {
    DmaBuf(buf)
}
