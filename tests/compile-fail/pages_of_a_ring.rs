// SPDX-License-Identifier: GPL-2.0

//! The pages of a coherent buffer, which may have none.

use sgdma::*;

fn f(ring: &CoherentBuffer<'_>) -> usize {
    ring.cpu().cpu_pages().count()
}
