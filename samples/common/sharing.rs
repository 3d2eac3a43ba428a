// SPDX-License-Identifier: GPL-2.0

//! The two ways in which the CPU and the device share a buffer. A driver here knows both.

use kernel::prelude::*;
use sgdma::{
    CoherentDevice,
    DmaDevice, //
};

/// The way in which the CPU and the device use mapped memory.
#[derive(Clone, Copy)]
pub(crate) enum Sharing<'bound> {
    /// At the same time, without any sync: the device is coherent.
    Coherent(CoherentDevice<'bound>),
    /// By turns, with a sync at each turn.
    Streaming(DmaDevice<'bound>),
}

impl<'bound> Sharing<'bound> {
    /// Returns the way that the module parameter `streaming` asks for.
    ///
    /// Without the parameter a driver binds only to a device that is coherent. Elsewhere the user
    /// has to ask for the slower way.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the parameter is neither 0 nor 1. The caller says so in the log.
    /// - Those of [`CoherentDevice::probe`], which says in the log why the device is not coherent.
    pub(crate) fn from_parameter(streaming: u8, dma: DmaDevice<'bound>) -> Result<Self> {
        match streaming {
            0 => Ok(Self::Coherent(CoherentDevice::probe(dma)?)),
            1 => Ok(Self::Streaming(dma)),
            _ => Err(EINVAL),
        }
    }

    pub(crate) fn dma(self) -> DmaDevice<'bound> {
        match self {
            Self::Coherent(dev) => dev.dma(),
            Self::Streaming(dma) => dma,
        }
    }
}
