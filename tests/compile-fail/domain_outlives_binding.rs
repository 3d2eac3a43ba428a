// SPDX-License-Identifier: GPL-2.0

//! A domain that is kept longer than a device is attached: nothing keeps it then.

use sgdma::*;

fn f<'bound>(dev: DomainDevice<'bound>) -> &'static Domain {
    dev.domain()
}
