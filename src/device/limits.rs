// SPDX-License-Identifier: GPL-2.0

//! What a device can address.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use kernel::{
    dma::DmaMask,
    prelude::*, //
};

/// The shortest segment that a limit may ask for, in bytes. Shorter segments would share cache
/// lines.
pub(crate) const MIN_SEGMENT: usize = 512;

/// What a device can address, as the driver knows it from the hardware's manual.
///
/// A driver gives these as [`Driver::DMA`](crate::pci::Driver::DMA), or computes them in
/// [`Driver::limits`](crate::pci::Driver::limits). They are applied before its probe runs, and
/// taken back when the binding has ended: at neither time can anybody be mapping memory for the
/// device.
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
    /// Which addresses the device can send to memory that is mapped for it: `dma_set_mask()`.
    pub mask: DmaMask,
    /// The same for memory that is allocated for it: `dma_set_coherent_mask()`.
    pub coherent_mask: DmaMask,
    /// The mask for both where the platform refuses one of these.
    ///
    /// [`DmaDevice::mask`] says which it was.
    pub fallback: Option<DmaMask>,
    /// The longest segment, in bytes, that the device takes: `dma_set_max_seg_size()`.
    ///
    /// At least [`SegmentLimits::MIN`](crate::SegmentLimits::MIN), or binding fails with `EINVAL`.
    pub max_seg_size: u32,
    /// A segment must not cross a multiple of this mask plus one: `dma_set_seg_boundary()`.
    ///
    /// One less than a power of two, which is at least [`SegmentLimits::MIN`](crate::SegmentLimits::MIN), or binding fails
    /// with `EINVAL`.
    pub seg_boundary: usize,
    /// Bits of an address that are the same on the bus as in memory, wherever a buffer is mapped:
    /// `dma_set_min_align_mask()`.
    ///
    /// For a device whose pages must begin where the memory's do, as NVMe's: its size of a page,
    /// less one. Else a buffer that begins in the middle of a page may begin elsewhere in one for
    /// the device, if it bounces. One less than a power of two and at most
    /// [`MAX_MIN_ALIGN_MASK`](Self::MAX_MIN_ALIGN_MASK), or binding fails with `EINVAL`.
    pub min_align_mask: u32,
}

impl DmaLimits {
    /// What [`min_align_mask`](Self::min_align_mask) can be: an IOMMU keeps no more, as its pages
    /// may be as small.
    pub const MAX_MIN_ALIGN_MASK: u32 = 4095;

    /// A device that sends all of `mask` and takes segments of any length at any place.
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
