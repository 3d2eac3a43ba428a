// SPDX-License-Identifier: GPL-2.0

//! A shared buffer that becomes one with guards, and so with access of its own.

use sgdma::*;

fn f<'bound>(shared: Shared<'bound, Bidirectional>) -> InFlight<Mapped<'bound, Bidirectional>> {
    Mapped::submit(*shared)
}
