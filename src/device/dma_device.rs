// SPDX-License-Identifier: GPL-2.0

//! The token that mapping asks for: a bound device that is ready for DMA.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    device::{
        coherency::Coherency,
        limits::DmaLimits,
        route::DmaRoute, //
    },
    ffi,
    lifecycle::{
        quarantine::Quarantine,
        unbinding::Unbinding, //
    },
    walk::run::Run, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// A bound device whose DMA mask and segment limits are set: the token that mapping asks for.
///
/// The token copies a `&'bound Device<Bound>`, so it lives no longer than the binding.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SgTable, ToDevice};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let buffer = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// for segment in buffer.dma_segments() {
///     let window = !(dev.seg_boundary() as u64);
///     assert!(segment.len <= dev.max_seg_size() as u64);
///     assert_eq!(segment.addr & window, (segment.addr + segment.len - 1) & window);
/// }
/// # Ok(())
/// # }
/// ```
///
/// For a driver that binds through [`crate::pci`] the library makes it, and others make it of their
/// [`DmaFacts`].
#[derive(Clone, Copy)]
pub struct DmaDevice<'bound>(&'bound DmaFacts<'bound>);

/// The facts on a bound device that mapping needs. They do not change while the device is bound,
/// and take long to find out.
///
/// ```
/// # use kernel::{device::{Bound, Device}, prelude::*, sync::Arc};
/// # use sgdma::{DmaFacts, FromDevice, SgTable, Unbinding};
/// /// Maps a buffer in a driver for a bus that the library does not know.
/// ///
/// /// # Safety
/// ///
/// /// The DMA mask of `dev` is set, and is not changed while the device is bound.
/// unsafe fn probe(dev: &Device<Bound>, unbinding: &Arc<Unbinding>) -> Result {
///     // SAFETY: The mask is set, and does not change, as the caller promises.
///     let facts = unsafe { DmaFacts::from_bound(dev, unbinding) };
///     let buffer = SgTable::alloc(4096, facts.dma(), GFP_KERNEL)?.map(facts.dma(), FromDevice)?;
///     # drop(buffer); Ok(())
/// }
/// ```
///
/// # Invariants
///
/// - The device's DMA mask is set, and does not change while memory is mapped or being mapped for
///   the device.
/// - If `plain` is true, the device is mapped directly, is coherent, and reaches, in place, all
///   memory that there was when `memory_plugged` was read.
pub struct DmaFacts<'bound> {
    dev: &'bound Device<Bound>,
    /// The place of buffers that are dropped in flight. Without one they are kept for ever.
    quarantine: Option<&'bound Quarantine>,
    unbinding: &'bound Arc<Unbinding>,
    seg_boundary: usize,
    max_seg_size: u32,
    route: DmaRoute,
    reaches_all: bool,
    cannot_bounce: bool,
    has_borders: bool,
    /// The state of memory for which `reaches_all` was found.
    memory_plugged: u32,
    needs_cache_maintenance: bool,
    sync_debug: bool,
    /// True for most devices of most machines: mapping is then a call of the DMA API, and needs
    /// neither other checks nor ever a sync.
    plain: bool,
}

impl<'bound> DmaFacts<'bound> {
    /// Takes `dev` as it is, for drivers that do not bind through [`crate::pci`].
    ///
    /// The first step of such a driver's unbinding is `unbinding.begin()`. Two things are kept for
    /// ever, with a reference to the device: a buffer that is dropped in flight, and coherent
    /// memory that is dropped where nothing may sleep. No binding of this library is there to
    /// release the one, and to wait for the worker that frees the other.
    ///
    /// # Safety
    ///
    /// The device's DMA masks were set by its driver or its bus, and they are not changed during
    /// `'bound`. A device without coherent memory may lack the mask for it.
    pub unsafe fn from_bound(
        dev: &'bound Device<Bound>,
        unbinding: &'bound Arc<Unbinding>,
    ) -> Self {
        let raw = as_raw(dev);
        // SAFETY: `raw` is valid, because `dev` is a reference to the device. The caller promises
        // that it has a mask.
        let (device, mut platform, seg_boundary, route) = unsafe {
            (
                ffi::sgdma_dma_get_max_seg_size(raw),
                bindings::dma_max_mapping_size(raw),
                ffi::sgdma_dma_get_seg_boundary(raw),
                DmaRoute::of(raw),
            )
        };
        let is_direct = route == DmaRoute::Direct;
        // SAFETY: As above. The number is read first: memory that is plugged in during the calls
        // counts as new.
        let (memory_plugged, reaches_all, cannot_bounce, has_borders) = unsafe {
            (
                ffi::sgdma_memory_plugged(),
                ffi::sgdma_reaches_all(raw),
                is_direct && !ffi::sgdma_can_bounce(raw),
                is_direct && ffi::sgdma_has_borders(raw),
            )
        };
        // SAFETY: Both functions read what is set when the library is loaded.
        let (sync_debug, max_shadow) =
            unsafe { (ffi::sgdma_sync_debug(), ffi::sgdma_max_shadow()) };
        if sync_debug {
            platform = platform.min(max_shadow);
        }
        if route == DmaRoute::Iommu {
            // iommu-dma rounds a segment up to the IOMMU's pages, and pads it up to the device's
            // boundary if the next one would cross that. If a length then exceeds 32 bits, 7.3
            // fails with a warning, and 7.2 cuts the length. This cannot happen to such segments.
            platform = platform.min(1 << 31);
        }
        // SAFETY: As above.
        let (coherency, needs_sync) =
            unsafe { (Coherency::of_raw(raw), ffi::sgdma_dma_dev_need_sync(raw)) };
        // INVARIANT: The caller promises that the mask is set and does not change. `plain` is true
        // only for a coherent device of the direct route that reaches all memory.
        Self {
            dev,
            quarantine: None,
            unbinding,
            seg_boundary,
            max_seg_size: u32::try_from(platform).map_or(device, |platform| platform.min(device)),
            route,
            reaches_all,
            cannot_bounce,
            has_borders,
            memory_plugged,
            needs_cache_maintenance: coherency == Coherency::NeedsCacheMaintenance,
            sync_debug,
            // `needs_sync` is true if the DMA API is to see each synchronisation, to debug it.
            plain: is_direct
                && coherency == Coherency::Coherent
                && reaches_all
                && !has_borders
                && !needs_sync
                && !sync_debug
                && seg_boundary == usize::MAX,
        }
    }

    /// Adds the place of buffers that are dropped in flight.
    ///
    /// # Safety
    ///
    /// `quarantine` is that of the device's binding, whose end waits for deferred drops.
    #[cfg(sgdma_selftests)]
    pub(crate) unsafe fn with_quarantine(self, quarantine: &'bound Quarantine) -> Self {
        // INVARIANT: The other fields stay.
        Self {
            quarantine: Some(quarantine),
            ..self
        }
    }

    /// Returns the token for mapping.
    pub fn dma(&self) -> DmaDevice<'_> {
        DmaDevice(self)
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
        quarantine: &'bound Quarantine,
    ) -> Result<Self> {
        limits.check().inspect_err(|_| {
            dev_err!(
                dev,
                "the driver's DMA limits contradict their documentation: {:?}\n",
                limits
            );
        })?;

        let raw = as_raw(dev);
        let masks = [
            Some((limits.mask, limits.coherent_mask)),
            limits.fallback.map(|mask| (mask, mask)),
        ];
        // SAFETY:
        // - `raw` is valid, as `dev` is a reference to it.
        // - The caller rules out concurrent allocation and mapping, as the kernel crate's setters
        //   ask of theirs.
        let set = masks.into_iter().flatten().any(|(mask, coherent)| unsafe {
            bindings::dma_set_mask(raw, mask.value()) == 0
                && bindings::dma_set_coherent_mask(raw, coherent.value()) == 0
        });
        if !set {
            dev_err!(
                dev,
                "the platform cannot serve DMA mask {:#x}, nor the driver's fallback\n",
                limits.mask.value()
            );
            return Err(EIO);
        }
        // SAFETY: As above. The caller promises `dma_parms`, without which these functions warn.
        unsafe {
            bindings::dma_set_max_seg_size(raw, limits.max_seg_size);
            ffi::sgdma_dma_set_seg_boundary(raw, limits.seg_boundary);
            ffi::sgdma_dma_set_min_align_mask(raw, limits.min_align_mask);
        }

        // SAFETY: The mask was set just now. Every function that changes the mask requires that
        // nothing is mapped for the device.
        let this = unsafe { Self::from_bound(dev, unbinding) };
        if this.max_seg_size == 0 {
            dev_err!(
                dev,
                "the platform maps nothing for this device: dma_max_mapping_size() is 0\n"
            );
            return Err(EIO);
        }
        Ok(Self {
            quarantine: Some(quarantine),
            ..this
        })
    }
}

impl<'bound> DmaDevice<'bound> {
    /// Returns the bound device.
    #[inline]
    pub fn device(self) -> &'bound Device<Bound> {
        self.0.dev
    }

    /// Returns the mask of the addresses that the device can send: `dma_get_mask()`.
    #[doc(alias = "dma_get_mask")]
    pub fn mask(self) -> u64 {
        // SAFETY: The device is valid, with a mask by the type invariants.
        unsafe { *(*self.as_raw()).dma_mask }
    }

    /// Returns whether the device has a mask for coherent memory, as each binding of this library
    /// gives it.
    pub(crate) fn has_coherent_mask(self) -> bool {
        // SAFETY: The device is valid, and by the type invariants the mask does not change now.
        unsafe { (*self.as_raw()).coherent_dma_mask != 0 }
    }

    /// Returns the state of this binding's end, by which a driver's code can sleep until then.
    pub fn unbinding(self) -> &'bound Arc<Unbinding> {
        self.0.unbinding
    }

    /// Returns the length in bytes of the longest segment that can be mapped: the smaller of
    /// `dma_get_max_seg_size()` and `dma_max_mapping_size()`.
    ///
    /// With `sync_debug=1` the length is 8 pages at most.
    #[doc(alias = "dma_get_max_seg_size")]
    #[doc(alias = "dma_max_mapping_size")]
    #[inline]
    pub fn max_seg_size(self) -> usize {
        self.0.max_seg_size as usize
    }

    /// Returns the boundary mask: no segment crosses a multiple of the mask plus one, in bytes:
    /// `dma_get_seg_boundary()`.
    #[doc(alias = "dma_get_seg_boundary")]
    #[inline]
    pub fn seg_boundary(self) -> usize {
        self.0.seg_boundary
    }

    /// Returns the bus address of `run`, of physical addresses, if it is mapped directly and in
    /// place.
    ///
    /// `None` if the device does not reach the run, or all of its mappings bounce.
    pub(crate) fn direct_address(self, run: Run) -> Option<DmaAddress> {
        // SAFETY: The device is valid, with a mask by the type invariants.
        let addr = unsafe { ffi::sgdma_direct_address(self.as_raw(), run.addr, run.len as usize) };
        (addr != DmaAddress::MAX).then_some(addr)
    }

    /// Returns the place of buffers that are dropped in flight.
    pub(crate) fn quarantine(self) -> Option<&'bound Quarantine> {
        self.0.quarantine
    }

    /// Returns the number of resets of the device that have begun.
    pub(crate) fn epoch(self) -> u64 {
        self.0.quarantine.map_or(0, Quarantine::epoch)
    }

    /// Returns how many bytes of `run`, from its first one on, are in one piece on the bus if the
    /// run is mapped directly.
    pub(crate) fn straight(self, run: Run) -> u64 {
        // SAFETY: The device is valid.
        unsafe { ffi::sgdma_straight(self.as_raw(), run.addr, run.len as usize) as u64 }
    }

    /// Returns whether some segments are not in one piece on the bus.
    pub(crate) fn has_borders(self) -> bool {
        self.0.has_borders
    }

    /// Returns whether the device reaches all memory, or is behind an IOMMU.
    ///
    /// Memory that is plugged in may lie anywhere, so the answer is `false` from then on.
    #[inline]
    pub(crate) fn reaches_all(self) -> bool {
        // SAFETY: The function reads a counter.
        self.0.reaches_all && self.0.memory_plugged == unsafe { ffi::sgdma_memory_plugged() }
    }

    /// Returns who maps the device's memory.
    #[inline]
    pub(crate) fn route(self) -> DmaRoute {
        self.0.route
    }

    /// Returns whether caches may hide from the device what the CPU has written.
    pub(crate) fn needs_cache_maintenance(self) -> bool {
        self.0.needs_cache_maintenance
    }

    /// Returns whether the library was loaded with `sync_debug=1`.
    #[inline]
    pub(crate) fn sync_debug(self) -> bool {
        self.0.sync_debug
    }

    /// Returns true if mapping needs no check but that of the segments' length, and never a sync.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.0.plain && self.reaches_all()
    }

    /// Returns whether mapping a page beyond the device's reach warns, because there is no bounce
    /// buffer in reach.
    pub(crate) fn warns_beyond_reach(self) -> bool {
        self.0.cannot_bounce && !self.reaches_all()
    }

    /// Returns the device for C. The pointer is valid as long as the device is bound.
    #[inline]
    pub(crate) fn as_raw(self) -> *mut bindings::device {
        as_raw(self.0.dev)
    }
}

/// Returns a bound device for C.
pub(crate) fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is `repr(transparent)` over the C structure, inside an `Opaque`, which allows
    // mutation behind a shared reference.
    core::ptr::from_ref(dev).cast_mut().cast()
}
