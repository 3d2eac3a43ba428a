// SPDX-License-Identifier: GPL-2.0

//! A device that is said to be attached after its binding has ended.

use sgdma::*;

fn f<'bound>(dev: DomainDevice<'bound>) -> DomainDevice<'static> {
    dev
}
