// SPDX-License-Identifier: GPL-2.0

//! What the driver core and the gate must own alone.

use sgdma::{
    files::Node,
    gate::Gate,
    pci::{
        Adapter,
        Binding, //
    }, //
};
