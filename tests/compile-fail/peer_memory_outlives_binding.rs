// SPDX-License-Identifier: GPL-2.0

//! Memory of a device that is exported after unbind: by then the BAR is another driver's.

use sgdma::*;

fn f<'bound>(memory: PeerMemory<'bound>) -> PeerMemory<'static> {
    memory
}
