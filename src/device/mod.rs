// SPDX-License-Identifier: GPL-2.0

//! Devices: what each can address, and whether each is coherent.

pub(crate) mod coherency;
pub(crate) mod coherent;
pub(crate) mod dma_device;
pub(crate) mod limits;
pub(crate) mod peer_route;
pub(crate) mod reach;
pub(crate) mod reset;
pub(crate) mod route;
