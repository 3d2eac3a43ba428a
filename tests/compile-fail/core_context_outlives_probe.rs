// SPDX-License-Identifier: GPL-2.0

//! Keeping the device as probe sees it: what that allows, it allows under the device lock.

use kernel::{
    device::Core,
    pci, //
};

struct Kept<'bound>(&'bound pci::Device<Core<'bound>>);

fn probe<'bound>(pdev: &'bound pci::Device<Core<'_>>) -> Kept<'bound> {
    Kept(pdev)
}
