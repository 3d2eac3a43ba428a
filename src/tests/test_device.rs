// SPDX-License-Identifier: GPL-2.0

//! Devices to map for, and the accesses to memory that they would make.

use crate::{
    ffi,
    lifecycle::{
        deferred,
        quarantine::Quarantine, //
    },
    this_module,
    DmaDevice,
    DmaFacts,
    Unbinding, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    faux,
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// The length of the longest segment of most test devices: 16 pages, of any size. What the kernel
/// takes for granted of a device is 16 pages of 4 KiB, and one of 64 KiB.
pub(super) const MAX_SEGMENT: u32 = 16 * PAGE_SIZE as u32;

/// The limits of most test devices.
static MANY_PAGES: bindings::device_dma_parameters = segments_of(MAX_SEGMENT);

/// The limits of a device whose descriptors have 16 bits for a length.
static SIXTEEN_BITS: bindings::device_dma_parameters = segments_of(u16::MAX as u32);

/// The limits of a device that sends each page by itself.
static SINGLE_PAGES: bindings::device_dma_parameters = bindings::device_dma_parameters {
    segment_boundary_mask: PAGE_SIZE as c_ulong - 1,
    ..segments_of(MAX_SEGMENT)
};

const fn segments_of(max: u32) -> bindings::device_dma_parameters {
    bindings::device_dma_parameters {
        max_segment_size: max,
        min_align_mask: 0,
        segment_boundary_mask: 0,
    }
}

/// A device that takes part in the DMA API and has no hardware.
///
/// # Invariants
///
/// What `facts` borrows are the other three fields, which stay where they are on the heap.
// Fields are dropped in order: `facts` goes first.
pub(super) struct TestDevice {
    facts: DmaFacts<'static>,
    quarantine: Pin<KBox<Quarantine>>,
    _unbinding: KBox<Arc<Unbinding>>,
    _faux: faux::Registration,
}

impl TestDevice {
    pub(super) fn new() -> Result<Self> {
        Self::named(c"sgdma-selftest")
    }

    pub(super) fn named(name: &'static CStr) -> Result<Self> {
        Self::with(name, u64::MAX, &[], &MANY_PAGES)
    }

    /// Makes a device whose descriptors have 16 bits for a length.
    pub(super) fn of_16_bits() -> Result<Self> {
        Self::with(c"sgdma-selftest-16", u64::MAX, &[], &SIXTEEN_BITS)
    }

    /// Makes a device none of whose segments may cross the end of a page.
    pub(super) fn of_single_pages() -> Result<Self> {
        Self::with(c"sgdma-selftest-page", u64::MAX, &[], &SINGLE_PAGES)
    }

    /// Makes a device with this mask and these ranges of its bus.
    ///
    /// A range is an address in memory, an address on the bus, and a size.
    pub(super) fn limited(mask: u64, ranges: &[[u64; 3]]) -> Result<Self> {
        Self::with(c"sgdma-selftest-limited", mask, ranges, &MANY_PAGES)
    }

    /// Makes a device. No other one has this name at the same time.
    fn with(
        name: &'static CStr,
        mask: u64,
        ranges: &[[u64; 3]],
        limits: &'static bindings::device_dma_parameters,
    ) -> Result<Self> {
        let faux = faux::Registration::new(name, None)?;
        let dev = as_raw(&faux);
        // SAFETY:
        // - `dev` is valid as long as `faux` lives, and nobody else knows it yet.
        // - A faux device has no pointer to a mask, and does not use its coherent mask.
        unsafe { (*dev).dma_mask = &raw mut (*dev).coherent_dma_mask };
        // SAFETY: As above. The limits are static, and nobody changes those of a test device.
        unsafe { (*dev).dma_parms = core::ptr::from_ref(limits).cast_mut() };
        if !ranges.is_empty() {
            // SAFETY: `dev` is valid and has no ranges yet, and the length is that of `ranges`.
            to_result(unsafe {
                ffi::sgdma_selftest_set_ranges(dev, ranges.as_ptr(), ranges.len())
            })?;
        }
        // SAFETY: `dev` is valid, has a pointer to a mask, and nothing is mapped for it yet.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(dev, mask) })?;
        let unbinding = KBox::new(Arc::pin_init(Unbinding::new(), GFP_KERNEL)?, GFP_KERNEL)?;
        // SAFETY: `start()` takes any device.
        let quarantine = KBox::pin_init(unsafe { Quarantine::new(start) }, GFP_KERNEL)?;
        // SAFETY:
        // - A faux device is valid and bound as long as it is registered, and the boxes have their
        //   values as long: all are kept in the result, behind `facts`, which alone borrows them.
        // - `Device` is `repr(transparent)` over the C structure.
        let (dev, borrowed, held): (_, &'static Arc<Unbinding>, &'static Quarantine) = unsafe {
            (
                &*dev.cast::<Device<Bound>>(),
                &*core::ptr::from_ref(&*unbinding),
                &*core::ptr::from_ref(&*quarantine),
            )
        };
        // SAFETY: The mask was set above, and nobody changes it afterwards.
        let facts = unsafe { DmaFacts::from_bound(dev, borrowed) };
        // INVARIANT: `facts` borrows the faux device and the values in the boxes.
        Ok(Self {
            // SAFETY: No other quarantine is the device's. `drop()` waits for deferred drops.
            facts: unsafe { facts.with_quarantine(held) },
            quarantine,
            _unbinding: unbinding,
            _faux: faux,
        })
    }

    /// Leaves what is in quarantine over to the next reset, as the end of a binding does.
    pub(super) fn make_orphans(&self) {
        self.quarantine.end(false, MODULE);
        self.quarantine.start_dma_at_reset(self.dma().as_raw());
    }

    pub(super) fn dma(&self) -> DmaDevice<'_> {
        self.facts.dma()
    }
}

const MODULE: &ThisModule = this_module!();

/// Lets the device do DMA: the test device needs nothing for that.
fn start(_dev: *mut bindings::device) {}

impl Drop for TestDevice {
    fn drop(&mut self) {
        deferred::flush();
        // The device has no hardware that could still be at work.
        self.quarantine.end(true, MODULE);
    }
}

/// Returns the `struct device` of a faux device.
fn as_raw(faux: &faux::Registration) -> *mut bindings::device {
    // Some kernels give a `device::Device` here, and others a `faux::Device` around it.
    const { assert!(core::mem::offset_of!(bindings::faux_device, dev) == 0) };
    core::ptr::from_ref(faux.as_ref()).cast_mut().cast()
}

/// Writes a byte as the test device would.
pub(super) fn device_write(addr: u64, byte: u8) {
    // SAFETY:
    // - The test device is mapped directly, so that `addr` tells where the byte is in memory.
    // - The callers have `addr` from a mapping that lasts, so that the memory is there.
    unsafe { ffi::sgdma_selftest_device_write(addr, byte) };
}

/// Reads a byte as the test device would.
pub(super) fn device_read(addr: u64) -> u8 {
    // SAFETY: As for `device_write()`.
    unsafe { ffi::sgdma_selftest_device_read(addr) }
}
