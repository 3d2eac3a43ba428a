// SPDX-License-Identifier: GPL-2.0

//! A device that is said to be attached to the domain of another device.

use sgdma::*;

fn f<'bound>(of: DomainDevice<'bound>) -> DomainDevice<'bound> {
    DomainDevice { data: &(), ..of }
}
