// SPDX-License-Identifier: GPL-2.0

//! Keeping a reference to what tells of unbinding, rather than an `Arc`.

use kernel::sync::Arc;
use sgdma::*;

fn f(dma: DmaDevice<'_>) -> &'static Arc<Unbinding> {
    dma.unbinding()
}
