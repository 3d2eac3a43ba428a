// SPDX-License-Identifier: GPL-2.0

//! The memory that a device reaches: where its pages come from, and where its segments end.

use crate::{
    base::gfp::Gfp,
    device::dma_device::DmaDevice,
    ffi,
    walk::run::Run, //
};
use core::marker::PhantomData;
use kernel::bindings;

/// The memory that a device reaches: a part of [`SegmentLimits`](crate::SegmentLimits), made of a
/// [`DmaDevice`].
///
/// Pages for the device are allocated in its reach as far as there are some. A segment ends where
/// the bus goes on at another address (`dma-ranges`).
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{DmaDevice, Reach, SegmentLimits, SgTable};
/// /// As `SegmentLimits::from(dev)`, with segments of a page at most.
/// fn single_pages(dev: DmaDevice<'_>) -> SegmentLimits<'_> {
///     SegmentLimits {
///         max_size: PAGE_SIZE,
///         boundary: dev.seg_boundary(),
///         reach: Reach::from(dev),
///     }
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let table = SgTable::alloc(3 * PAGE_SIZE, single_pages(dev), GFP_KERNEL)?;
/// assert_eq!(table.cpu().orig_nents(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Reach<'a>(Option<DmaDevice<'a>>);

impl<'a> From<DmaDevice<'a>> for Reach<'a> {
    fn from(dev: DmaDevice<'a>) -> Self {
        Self(Some(dev))
    }
}

impl<'a> Reach<'a> {
    /// The reach of no device in particular: all memory, in one piece.
    pub const ALL: Self = Self(None);

    /// Returns a function that returns how many bytes of a run, from the first one on, are in one
    /// piece for the device.
    #[inline]
    pub(crate) fn straight(self) -> impl Fn(Run) -> u64 + 'a {
        // Few devices are on a bus with borders: for the others the run is returned as it is.
        let bordered = self.0.filter(|dev| dev.has_borders());
        move |run| match &bordered {
            None => run.len,
            Some(dev) => dev.straight(run),
        }
    }

    /// Returns the source of pages in this reach.
    pub(crate) fn pages(self) -> Pages<'a> {
        let choosy = self.0.filter(|dev| !dev.reaches_all());
        // INVARIANT: The pointer is null or comes from a `DmaDevice`.
        Pages {
            dev: choosy.map_or(core::ptr::null_mut(), DmaDevice::as_raw),
            zone: 0,
            _dev: PhantomData,
        }
    }
}

/// A source of pages that a device reaches in place, as long as there are some.
///
/// # Invariants
///
/// `dev` is null, or the pointer of a `DmaDevice`. Null stands for a device that reaches all pages.
pub(crate) struct Pages<'a> {
    dev: *mut bindings::device,
    /// The zone that the next page is looked for in; see `sgdma_alloc_pages()`.
    zone: u32,
    _dev: PhantomData<DmaDevice<'a>>,
}

impl Pages<'_> {
    /// Allocates `1 << order` zeroed pages, which are not compound. Returns null if there are none.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(&mut self, order: u32, gfp: Gfp) -> *mut bindings::page {
        let gfp = gfp.for_zeroed_pages();
        // SAFETY:
        // - By the type invariants the device is null, or valid with a mask.
        // - `Gfp` holds flags that go together. The order is within its limit, as the caller knows.
        unsafe { ffi::sgdma_alloc_pages(self.dev, &mut self.zone, gfp, order) }
    }
}
