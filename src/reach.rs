// SPDX-License-Identifier: GPL-2.0

//! Which memory a device is served with, and what its segments keep together of.

use crate::{
    bindings as helpers,
    device::DmaDevice,
    frames::Run,
    gfp::Gfp, //
};
use kernel::bindings;

/// What a device reaches: where memory for it is looked for, and where its segments end.
///
/// A part of [`SegmentLimits`](crate::SegmentLimits), made of a [`DmaDevice`].
///
/// ```
/// # use sgdma::{DmaDevice, Reach, SegmentLimits};
/// /// As `SegmentLimits::from(dev)`, with segments of a page at most.
/// fn single_pages(dev: DmaDevice<'_>) -> SegmentLimits<'_> {
///     SegmentLimits {
///         max_size: kernel::page::PAGE_SIZE,
///         boundary: dev.seg_boundary(),
///         reach: Reach::from(dev),
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Reach<'a>(Option<DmaDevice<'a>>);

impl<'a> From<DmaDevice<'a>> for Reach<'a> {
    fn from(dev: DmaDevice<'a>) -> Self {
        Self(Some(dev))
    }
}

impl<'a> Reach<'a> {
    /// All memory, in one piece.
    pub const ALL: Self = Self(None);

    /// How many bytes of `run`, from its beginning on, are in one piece for the device.
    pub(crate) fn straight(self, run: Run) -> u64 {
        self.0.map_or(run.len, |dev| dev.straight(run))
    }

    /// Where to take pages from, one after another.
    pub(crate) fn pages(self) -> Pages<'a> {
        Pages {
            dev: self.0.filter(|dev| !dev.reaches_all()),
            zone: 0,
        }
    }
}

/// Pages that a device reaches in place, as long as there are some.
pub(crate) struct Pages<'a> {
    /// None if all are alike.
    dev: Option<DmaDevice<'a>>,
    /// Where those are that come next.
    zone: u32,
}

impl Pages<'_> {
    /// Allocates `1 << order` zeroed pages, not compound; null if there are none.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(&mut self, order: u32, gfp: Gfp) -> *mut bindings::page {
        let dev = self.dev.map_or(core::ptr::null_mut(), DmaDevice::as_raw);
        // SAFETY: The device is null or valid, with a mask by its type invariants; the flags go
        // together, and the order is within its limit.
        unsafe { helpers::sgdma_alloc_pages(dev, &mut self.zone, gfp.for_zeroed_pages(), order) }
    }
}
