// SPDX-License-Identifier: GPL-2.0

//! A bound device that is ready for DMA, and what it can address.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    attrs::Attrs,
    bindings as helpers,
    coherency::Coherency,
    frames::Run,
    unbinding::Unbinding, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::{
        DmaAddress,
        DmaMask, //
    },
    error::to_result,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// What a device can address, as the driver knows it from the hardware's manual.
///
/// A driver gives these as [`Driver::DMA`](crate::pci::Driver::DMA); they are applied before its
/// probe runs, which is the only time when nobody can be mapping memory for the device.
///
/// ```
/// # use kernel::dma::DmaMask;
/// # use sgdma::DmaLimits;
/// /// A device with 40 address lines whose descriptors have 16 bits for a length.
/// const DMA: DmaLimits = DmaLimits {
///     max_seg_size: 0xf000,
///     ..DmaLimits::from_mask(DmaMask::new::<40>())
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DmaLimits {
    /// Which addresses the device can send: `dma_set_mask_and_coherent()`.
    pub mask: DmaMask,
    /// The longest segment, in bytes, that the device takes: `dma_set_max_seg_size()`.
    ///
    /// At least a page of this kernel, or binding fails with `EINVAL`: tables are made of whole
    /// pages.
    pub max_seg_size: u32,
    /// A segment must not cross a multiple of this mask plus one: `dma_set_seg_boundary()`.
    ///
    /// One less than a power of two and at least a page, or binding fails with `EINVAL`.
    pub seg_boundary: usize,
}

impl DmaLimits {
    /// A device that sends all of `mask` and takes segments of any length at any place.
    pub const fn from_mask(mask: DmaMask) -> Self {
        Self {
            mask,
            max_seg_size: u32::MAX,
            seg_boundary: usize::MAX,
        }
    }
}

/// How a device's memory is mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// At its physical address or a fixed distance from it, or bounced.
    Direct,
    /// By an IOMMU, through the kernel's common code for them.
    Iommu,
    /// By code of the platform's.
    Ops,
}

/// A bound device whose DMA mask and segment limits are set: the token that mapping asks for.
///
/// It is a copy of a `&'bound Device<Bound>`, so it lives no longer than the binding.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::DmaDevice;
/// fn show(dev: DmaDevice<'_>) {
///     dev_info!(
///         dev.device(),
///         "segments of up to {} bytes, boundary {:#x}\n",
///         dev.max_seg_size(),
///         dev.seg_boundary()
///     );
/// }
/// ```
///
/// # Invariants
///
/// The device's DMA mask is set, and does not change while memory is mapped or being mapped for it.
#[derive(Clone, Copy)]
pub struct DmaDevice<'bound> {
    dev: &'bound Device<Bound>,
    unbinding: &'bound Arc<Unbinding>,
    // What stays as it is while the device is bound, and takes long to find out.
    seg_boundary: usize,
    max_seg_size: u32,
    path: Path,
    warns_beyond_reach: bool,
    needs_cache_maintenance: bool,
    sync_debug: bool,
}

impl<'bound> DmaDevice<'bound> {
    /// Takes `dev` as it is, for drivers that do not bind through [`crate::pci`]. They have
    /// `unbinding` begin as the first step of it.
    ///
    /// # Safety
    ///
    /// The device's DMA mask was set by its driver or its bus, and it is not changed during
    /// `'bound`.
    pub unsafe fn from_bound(
        dev: &'bound Device<Bound>,
        unbinding: &'bound Arc<Unbinding>,
    ) -> Self {
        let raw = as_raw(dev);
        // SAFETY: `raw` is valid, as `dev` is a reference to it, and has a mask.
        let (device, mut platform, seg_boundary, path, warns_beyond_reach) = unsafe {
            (
                helpers::sgdma_dma_get_max_seg_size(raw),
                bindings::dma_max_mapping_size(raw),
                helpers::sgdma_dma_get_seg_boundary(raw),
                helpers::sgdma_path(raw),
                !helpers::sgdma_can_bounce(raw) && !helpers::sgdma_reaches_all(raw),
            )
        };
        // SAFETY: They read what is set when the library is loaded.
        let (sync_debug, max_shadow) =
            unsafe { (helpers::sgdma_sync_debug(), helpers::sgdma_max_shadow()) };
        if sync_debug {
            platform = platform.min(max_shadow);
        }
        // INVARIANT: The caller promises it.
        let mut this = Self {
            dev,
            unbinding,
            seg_boundary,
            max_seg_size: u32::try_from(platform).map_or(device, |platform| platform.min(device)),
            path: match path {
                helpers::SGDMA_DIRECT => Path::Direct,
                helpers::SGDMA_IOMMU => Path::Iommu,
                _ => Path::Ops,
            },
            warns_beyond_reach,
            needs_cache_maintenance: false,
            sync_debug,
        };
        this.needs_cache_maintenance = Coherency::of(this) == Coherency::NeedsCacheMaintenance;
        this
    }

    /// Applies `limits` to `dev`. May sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `limits` contradict their documentation.
    /// - `EIO` if the platform cannot serve a device with this mask.
    ///
    /// # Safety
    ///
    /// - No memory is mapped, being mapped or being allocated for `dev` during the call.
    /// - The bus gave `dev` its `dma_parms`.
    pub(crate) unsafe fn with_limits(
        dev: &'bound Device<Bound>,
        unbinding: &'bound Arc<Unbinding>,
        limits: &DmaLimits,
    ) -> Result<Self> {
        let boundary = limits.seg_boundary;
        if (limits.max_seg_size as usize) < PAGE_SIZE
            || boundary < PAGE_SIZE - 1
            || boundary & boundary.wrapping_add(1) != 0
        {
            dev_err!(
                dev,
                "driver's DMA limits make no sense: segments of {} bytes, boundary mask {:#x}\n",
                limits.max_seg_size,
                boundary
            );
            return Err(EINVAL);
        }

        let raw = as_raw(dev);
        // SAFETY:
        // - `raw` is valid, as `dev` is a reference to it.
        // - The caller rules out concurrent allocation and mapping, as the kernel crate's setters
        //   ask of theirs.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(raw, limits.mask.value()) })
            .inspect_err(|_| {
                dev_err!(
                    dev,
                    "the platform cannot serve DMA mask {:#x}\n",
                    limits.mask.value()
                );
            })?;
        // SAFETY: As above; the caller promises `dma_parms`, without which these two would warn.
        unsafe {
            bindings::dma_set_max_seg_size(raw, limits.max_seg_size);
            helpers::sgdma_dma_set_seg_boundary(raw, boundary);
        }

        // SAFETY: Set just now. Every way to change it asks that nothing is being mapped.
        Ok(unsafe { Self::from_bound(dev, unbinding) })
    }

    /// The bound device.
    pub fn device(self) -> &'bound Device<Bound> {
        self.dev
    }

    /// Whether it is being unbound, and where to sleep until then.
    pub fn unbinding(self) -> &'bound Arc<Unbinding> {
        self.unbinding
    }

    /// The longest segment, in bytes, that can be mapped for this device: the smaller of
    /// `dma_get_max_seg_size()` and `dma_max_mapping_size()`. With `sync_debug=1` it is 8 pages at most.
    pub fn max_seg_size(self) -> usize {
        self.max_seg_size as usize
    }

    /// The mask that no segment's start and end may differ beyond: `dma_get_seg_boundary()`.
    pub fn seg_boundary(self) -> usize {
        self.seg_boundary
    }

    /// Where `run` of physical addresses would be if it is mapped directly and in place; `None` if
    /// the device does not reach it or all its mappings bounce.
    pub(crate) fn direct_address(self, run: Run) -> Option<DmaAddress> {
        // SAFETY: The device is valid, with a mask by the type invariants.
        let addr =
            unsafe { helpers::sgdma_direct_address(self.as_raw(), run.addr, run.len as usize) };
        (addr != DmaAddress::MAX).then_some(addr)
    }

    /// How its memory is mapped.
    pub(crate) fn path(self) -> Path {
        self.path
    }

    /// Whether caches may hide from it what was written.
    pub(crate) fn needs_cache_maintenance(self) -> bool {
        self.needs_cache_maintenance
    }

    /// What all is mapped with for it if the library was loaded with `sync_debug=1`.
    #[inline]
    pub(crate) fn sync_debug(self) -> Attrs {
        match self.sync_debug {
            true => Attrs::SYNC_DEBUG,
            false => Attrs::NONE,
        }
    }

    /// Whether mapping a page beyond its reach warns, for there is nowhere to bounce to.
    pub(crate) fn warns_beyond_reach(self) -> bool {
        self.warns_beyond_reach
    }

    pub(crate) fn as_raw(self) -> *mut bindings::device {
        as_raw(self.dev)
    }
}

fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is `repr(transparent)` over the C structure, inside an `Opaque`, which allows
    // mutation behind a shared reference.
    core::ptr::from_ref(dev).cast_mut().cast()
}
