// SPDX-License-Identifier: GPL-2.0

//! How the CPU and the device share memory: the drivers here know both ways.

use sgdma::{
    CoherentDevice,
    DmaDevice, //
};

/// How mapped memory is used by both sides.
#[derive(Clone, Copy)]
pub(crate) enum Sharing<'bound> {
    /// At the same time: the device is coherent.
    Always(CoherentDevice<'bound>),
    /// By turns, with a sync at each.
    ByTurns(DmaDevice<'bound>),
}

impl<'bound> Sharing<'bound> {
    pub(crate) fn dma(self) -> DmaDevice<'bound> {
        match self {
            Self::Always(dev) => dev.dma(),
            Self::ByTurns(dma) => dma,
        }
    }
}
