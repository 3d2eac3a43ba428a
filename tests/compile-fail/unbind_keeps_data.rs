// SPDX-License-Identifier: GPL-2.0

//! Keeping the driver's data, as unbind sees it, in itself.

mod driver;

use core::pin::Pin;
use kernel::{
    device::Core,
    pci,
    sync::Mutex, //
};

struct Data<'bound>(Mutex<Option<&'bound Data<'bound>>>);
struct File;

fn unbind<'bound>(_pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data<'bound>>) {
    *data.0.lock() = Some(data.get_ref());
}
