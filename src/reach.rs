// SPDX-License-Identifier: GPL-2.0

//! Which memory a device is served with, and what its segments keep together of.

use crate::{
    device::DmaDevice,
    ffi,
    frames::Run,
    gfp::Gfp, //
};
use core::marker::PhantomData;
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

    /// How many bytes of a run, from its beginning on, are in one piece for the device.
    #[inline]
    pub(crate) fn straight(self) -> impl Fn(Run) -> u64 + 'a {
        // There are few whose bus has borders.
        let bordered = self.0.filter(|dev| dev.has_borders());
        move |run| match &bordered {
            None => run.len,
            Some(dev) => dev.straight(run),
        }
    }

    /// Where to take pages from, one after another.
    pub(crate) fn pages(self) -> Pages<'a> {
        let choosy = self.0.filter(|dev| !dev.reaches_all());
        // INVARIANT: It is the device's, or null.
        Pages {
            dev: choosy.map_or(core::ptr::null_mut(), DmaDevice::as_raw),
            zone: 0,
            _dev: PhantomData,
        }
    }
}

/// Pages that a device reaches in place, as long as there are some.
///
/// # Invariants
///
/// `dev` is null, for whom all are alike, or a `DmaDevice`'s.
pub(crate) struct Pages<'a> {
    dev: *mut bindings::device,
    /// Where those are that come next.
    zone: u32,
    _dev: PhantomData<DmaDevice<'a>>,
}

impl Pages<'_> {
    /// Allocates `1 << order` zeroed pages, not compound; null if there are none.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(&mut self, order: u32, gfp: Gfp) -> *mut bindings::page {
        let gfp = gfp.for_zeroed_pages();
        // SAFETY: By the type invariants the device is null, or valid and has a mask; the flags go
        // together, and the order is within its limit.
        unsafe { ffi::sgdma_alloc_pages(self.dev, &mut self.zone, gfp, order) }
    }
}
