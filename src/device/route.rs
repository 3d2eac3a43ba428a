// SPDX-License-Identifier: GPL-2.0

//! How a device's memory is mapped.

use crate::ffi;
use kernel::bindings;

/// How a device's memory is mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DmaRoute {
    /// At its physical address or a fixed distance from it, or bounced.
    Direct,
    /// By an IOMMU, through the kernel's common code for them.
    Iommu,
    /// By code of the platform's.
    Ops,
}

impl DmaRoute {
    /// # Safety
    ///
    /// `dev` is valid.
    pub(crate) unsafe fn of(dev: *mut bindings::device) -> Self {
        // SAFETY: The caller promises it.
        match unsafe { ffi::sgdma_path(dev) } {
            ffi::SGDMA_DIRECT => Self::Direct,
            ffi::SGDMA_IOMMU => Self::Iommu,
            _ => Self::Ops,
        }
    }
}
