// SPDX-License-Identifier: GPL-2.0

//! How long the segments of a buffer may be, and where they end.

use crate::device::{
    dma_device::DmaDevice,
    limits::MIN_SEGMENT,
    reach::Reach, //
};
use kernel::prelude::*;

/// How a buffer is cut into segments.
///
/// A [`DmaDevice`] can be given in its place, and means its own limits:
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SegmentLimits, SgTable};
/// # fn tables(dev: DmaDevice<'_>) -> Result {
/// let for_this_device = SgTable::alloc(1 << 20, dev, GFP_KERNEL)?;
/// let for_none = SgTable::alloc(1 << 20, SegmentLimits::NONE, GFP_KERNEL)?;
/// let of_64_kib = SegmentLimits { max_size: 64 << 10, ..SegmentLimits::from(dev) };
/// # drop((for_this_device, for_none, of_64_kib)); Ok(())
/// # }
/// ```
///
/// Segments end where pages do, unless a limit is shorter than a page: then they are as long as the
/// largest power of two within it.
#[derive(Clone, Copy)]
pub struct SegmentLimits<'a> {
    /// The longest segment, in bytes; at least [`MIN`](Self::MIN).
    pub max_size: usize,
    /// No segment crosses a multiple of this mask plus one: a power of two, at least
    /// [`MIN`](Self::MIN).
    pub boundary: usize,
    /// Where [`SgTable::alloc`] looks for memory first, and what else no segment crosses.
    pub reach: Reach<'a>,
}

impl<'a> SegmentLimits<'a> {
    /// The least that a limit may be, in bytes. Shorter segments would share cache lines.
    pub const MIN: usize = MIN_SEGMENT;

    /// Segments as long as the memory happens to be contiguous, for no device in particular.
    pub const NONE: Self = Self {
        max_size: usize::MAX,
        boundary: usize::MAX,
        reach: Reach::ALL,
    };

    /// Whether tables can be cut so.
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

    /// Returns the same sizes for no device in particular, to keep where the binding is not lent.
    ///
    /// Mapping then refuses a segment that crosses a border of the device's reach, with `EIO`.
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
