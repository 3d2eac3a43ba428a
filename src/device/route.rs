// SPDX-License-Identifier: GPL-2.0

//! The code that maps a device's memory.

use crate::ffi;
use kernel::bindings;

/// The code that maps a device's memory: `enum sgdma_route`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DmaRoute {
    /// The direct mapping: memory is at its physical address, or a fixed distance from there, or
    /// bounces.
    Direct,
    /// iommu-dma, the kernel's common code for IOMMUs.
    Iommu,
    /// Code of the platform, such as Xen's.
    Ops,
    /// A driver, which has attached the device to a domain of its own. What the DMA API maps is not
    /// in that domain.
    Domain,
}

impl DmaRoute {
    /// Returns who maps the memory of `dev`.
    ///
    /// # Safety
    ///
    /// `dev` is valid. It is bound, or its lock is held.
    pub(crate) unsafe fn of(dev: *mut bindings::device) -> Self {
        // SAFETY: The caller promises a valid device, which is all that the function requires.
        match unsafe { ffi::sgdma_route(dev) } {
            ffi::SGDMA_DIRECT => Self::Direct,
            ffi::SGDMA_IOMMU => Self::Iommu,
            ffi::SGDMA_DOMAIN => Self::Domain,
            _ => Self::Ops,
        }
    }
}
