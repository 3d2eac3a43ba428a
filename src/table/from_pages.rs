// SPDX-License-Identifier: GPL-2.0

//! Making a list of pages: an entry for each segment.
//!
//! The pages are gone through twice: to count the segments, and to set as many entries.

use crate::{
    base::gfp::Gfp,
    ffi,
    table::{
        cut::{
            segments, //
            Limits,
        },
        limits::SegmentLimits, //
    },
    walk::{
        entries::{
            sg_page,
            sg_set_page, //
        },
        list::List,
        run::Run, //
    }, //
};
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

impl List {
    /// Makes a list that describes the bytes `range` of `pages()` by segments within `limits`:
    /// `sg_alloc_table_from_pages_segment()`. Sleeps only if `gfp` allows it.
    ///
    /// The caller has checked `limits` with [`SegmentLimits::check`].
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `range` is empty or runs backwards, or if there are too few pages for it.
    /// - `E2BIG` if there are 2^31 segments or more.
    /// - `ENOMEM` if there is no memory for the list.
    ///
    /// # Safety
    ///
    /// Each call of `pages` yields the same pages, and these are valid until this function returns.
    pub(crate) unsafe fn from_pages<I: Iterator<Item = NonNull<bindings::page>>>(
        pages: impl Fn() -> I,
        range: Range<usize>,
        limits: SegmentLimits<'_>,
        gfp: Gfp,
    ) -> Result<Self> {
        if range.is_empty() {
            return Err(EINVAL);
        }
        let (first, offset) = (range.start / PAGE_SIZE, range.start % PAGE_SIZE);
        let cut = || {
            segments(
                pages()
                    .skip(first)
                    // SAFETY: By the requirement of this function, the page is valid.
                    .map(|page| unsafe { ffi::sgdma_page_to_phys(page.as_ptr()) }),
                PAGE_SIZE as u64,
                offset as u64..(offset + range.len()) as u64,
                Limits {
                    // The length of an entry has 32 bits. iommu-dma rounds it up to whole pages of
                    // the IOMMU, which must not overflow.
                    max_len: limits.max_size.min(1 << 31) as u64,
                    boundary: limits.boundary as u64,
                },
                limits.reach.straight(),
            )
        };
        let (mut orig_nents, mut described) = (0usize, 0);
        for run in cut() {
            orig_nents += 1;
            described += run.len;
        }
        if described != range.len() as u64 {
            return Err(EINVAL);
        }

        // Some functions of the C API count entries in an `int`.
        let orig_nents = i32::try_from(orig_nents).map_err(|_| E2BIG)?;
        let mut list = List::alloc(orig_nents as u32, gfp)?;
        for (sg, run) in list.entries_mut().zip(cut()) {
            // SAFETY: The address has a page, as the segment begins in one of the valid pages.
            let page = unsafe { ffi::sgdma_phys_to_page(run.addr) };
            // The length fits into 32 bits: it is at most `max_len`, which is at most 2^31.
            sg_set_page(sg, page, run.len as u32, run.addr as u32 % PAGE_SIZE as u32);
        }
        Ok(list)
    }
}

/// Returns the physical addresses of the segment that an entry describes: `sg_phys()`, and the
/// length.
pub(crate) fn sg_phys_run(sg: &bindings::scatterlist) -> Run {
    Run {
        // SAFETY: The function only computes with the pointer's value, which it does not follow.
        addr: unsafe { ffi::sgdma_page_to_phys(sg_page(sg)) } + u64::from(sg.offset),
        len: sg.length.into(),
    }
}
