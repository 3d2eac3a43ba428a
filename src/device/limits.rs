// SPDX-License-Identifier: GPL-2.0

//! The addresses and segments that a device can take.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use kernel::{
    dma::DmaMask,
    prelude::*, //
};

/// The shortest segment that a limit may ask for, in bytes.
///
/// Shorter segments would share cache lines.
pub(crate) const MIN_SEGMENT: usize = 512;

/// The addresses and segments that a device can take, from the manual of the hardware.
///
/// A driver gives its limits as [`Driver::DMA`](crate::pci::Driver::DMA), or computes them in
/// [`Driver::limits`](crate::pci::Driver::limits). The library applies the limits before the
/// driver's probe runs, and takes them back when the binding has ended: nobody maps memory for the
/// device at either time.
///
/// ```
/// # use kernel::{dma::DmaMask, prelude::*};
/// # use sgdma::DmaLimits;
/// /// A device with 40 address lines whose descriptors have 16 bits for a length.
/// const DMA: DmaLimits = DmaLimits {
///     max_seg_size: 0xf000,
///     ..DmaLimits::from_mask(DmaMask::new::<40>())
/// };
///
/// # fn example() -> Result {
/// assert_eq!(DMA.mask.value(), 0xff_ffff_ffff);
/// assert_eq!(DMA.coherent_mask.value(), DMA.mask.value());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DmaLimits {
    /// The addresses that the device can send to mapped memory: `dma_set_mask()`.
    pub mask: DmaMask,
    /// The addresses that the device can send to memory from `dma_alloc_coherent()`:
    /// `dma_set_coherent_mask()`.
    pub coherent_mask: DmaMask,
    /// The mask for both where the platform refuses one of the two.
    ///
    /// [`DmaDevice::mask`](crate::DmaDevice::mask) returns the one that was set.
    pub fallback: Option<DmaMask>,
    /// The longest segment, in bytes, that the device takes: `dma_set_max_seg_size()`.
    ///
    /// At least [`SegmentLimits::MIN`](crate::SegmentLimits::MIN), or binding fails with `EINVAL`.
    pub max_seg_size: u32,
    /// The boundary mask: no segment crosses a multiple of the mask plus one:
    /// `dma_set_seg_boundary()`.
    ///
    /// One less than a power of two, which is at least
    /// [`SegmentLimits::MIN`](crate::SegmentLimits::MIN), or binding fails with `EINVAL`.
    pub seg_boundary: usize,
    /// The bits of an address that are the same on the bus and in memory, even if a buffer bounces:
    /// `dma_set_min_align_mask()`.
    ///
    /// Give the size of the device's pages, less one, if a buffer must begin as far into a page of
    /// the device as into a page of memory: NVMe, for example. A buffer that bounces may otherwise
    /// begin anywhere in a page of the device. One less than a power of two and at most
    /// [`MAX_MIN_ALIGN_MASK`](Self::MAX_MIN_ALIGN_MASK), or binding fails with `EINVAL`.
    pub min_align_mask: u32,
}

impl DmaLimits {
    /// The largest [`min_align_mask`](Self::min_align_mask): an IOMMU whose pages have 4 KiB keeps
    /// no more bits.
    pub const MAX_MIN_ALIGN_MASK: u32 = 4095;

    /// Returns the limits of a device that sends all addresses of `mask` and takes segments of any
    /// length at any place.
    pub const fn from_mask(mask: DmaMask) -> Self {
        Self {
            mask,
            coherent_mask: mask,
            fallback: None,
            max_seg_size: u32::MAX,
            seg_boundary: usize::MAX,
            min_align_mask: 0,
        }
    }

    /// Returns `EINVAL` unless the limits agree with their documentation.
    pub(crate) fn check(&self) -> Result {
        let is_mask = |mask: usize| mask & mask.wrapping_add(1) == 0;
        let fine = self.max_seg_size as usize >= MIN_SEGMENT
            && self.seg_boundary >= MIN_SEGMENT - 1
            && is_mask(self.seg_boundary)
            && is_mask(self.min_align_mask as usize)
            && self.min_align_mask <= Self::MAX_MIN_ALIGN_MASK;
        fine.then_some(()).ok_or(EINVAL)
    }
}
