// SPDX-License-Identifier: GPL-2.0

//! Limits of segments, which come from the device that a table is made for.
//!
//! A device has a longest segment, because its descriptors have so many bits for a length, and a
//! boundary, because its address counter does not carry further. A table that is cut within the
//! limits of a device can be mapped for that device.

use crate::device::{
    dma_device::DmaDevice,
    limits::MIN_SEGMENT,
    reach::Reach, //
};
use kernel::prelude::*;

/// Limits of the segments that a buffer is cut into.
///
/// A function that takes limits also takes a [`DmaDevice`], for the limits of that device:
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SegmentLimits, SgTable};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let for_this_device = SgTable::alloc(100_000, dev, GFP_KERNEL)?;
/// let for_none = SgTable::alloc(100_000, SegmentLimits::NONE, GFP_KERNEL)?;
/// # assert_eq!(for_none.len(), for_this_device.len());
///
/// let of_1_kib = SegmentLimits { max_size: 1 << 10, ..SegmentLimits::from(dev) };
/// let table = SgTable::alloc(10_000, of_1_kib, GFP_KERNEL)?;
/// assert_eq!(table.cpu().orig_nents(), 10); // The last one has 784 bytes.
///
/// let of_no_use = SegmentLimits { max_size: SegmentLimits::MIN - 1, ..SegmentLimits::NONE };
/// assert_eq!(SgTable::alloc(10_000, of_no_use, GFP_KERNEL).err(), Some(EINVAL));
/// # Ok(())
/// # }
/// ```
///
/// A segment ends where a page ends, unless a limit is less than a page. Then segments have the
/// length of the largest power of two within the limit.
#[derive(Clone, Copy)]
pub struct SegmentLimits<'a> {
    /// The longest segment, in bytes; at least [`MIN`](Self::MIN): `dma_get_max_seg_size()`.
    #[doc(alias = "dma_get_max_seg_size")]
    pub max_size: usize,
    /// A mask: no segment crosses a multiple of `boundary + 1`: `dma_get_seg_boundary()`.
    ///
    /// `boundary + 1` is a power of two, at least [`MIN`](Self::MIN). `usize::MAX` is no boundary.
    #[doc(alias = "dma_get_seg_boundary")]
    pub boundary: usize,
    /// The memory that the device reaches. [`SgTable::alloc`](crate::SgTable::alloc) prefers this
    /// memory, and no segment crosses a border of it.
    pub reach: Reach<'a>,
}

impl<'a> SegmentLimits<'a> {
    /// The smallest permitted limit, in bytes. Shorter segments would share cache lines.
    pub const MIN: usize = MIN_SEGMENT;

    /// No limits: a segment is as long as the memory is contiguous.
    ///
    /// It is for a table that is not made for a particular device. Mapping such a table may fail.
    pub const NONE: Self = Self {
        max_size: usize::MAX,
        boundary: usize::MAX,
        reach: Reach::ALL,
    };

    /// Checks that the limits agree with the documentation of their fields.
    ///
    /// # Errors
    ///
    /// `EINVAL` if they do not.
    pub(crate) fn check(self) -> Result<Self> {
        let boundary = self.boundary;
        if self.max_size < Self::MIN
            || boundary < Self::MIN - 1
            || boundary & boundary.wrapping_add(1) != 0
        {
            return Err(EINVAL);
        }
        Ok(self)
    }

    /// Returns the same sizes without the device's reach. The result does not borrow the binding.
    ///
    /// A table within these limits may have a segment that crosses a border of the device's reach.
    /// Mapping fails with `EIO` then.
    #[must_use]
    pub fn sizes(self) -> SegmentLimits<'static> {
        SegmentLimits {
            max_size: self.max_size,
            boundary: self.boundary,
            reach: Reach::ALL,
        }
    }
}

impl<'a> From<DmaDevice<'a>> for SegmentLimits<'a> {
    fn from(dev: DmaDevice<'a>) -> Self {
        Self {
            max_size: dev.max_seg_size(),
            boundary: dev.seg_boundary(),
            reach: dev.into(),
        }
    }
}
