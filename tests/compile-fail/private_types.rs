// SPDX-License-Identifier: GPL-2.0

//! Types that only the driver core and the gate may own.

use sgdma::{
    driver::node::DeviceNode,
    lifecycle::gate::Gate,
    pci::{
        Adapter,
        Owned, //
    }, //
};
