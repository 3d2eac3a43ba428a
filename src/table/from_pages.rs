// SPDX-License-Identifier: GPL-2.0

//! Lists made of pages: the segments that pages are joined to.

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
    /// A list of segments, within `limits`, which have been checked, for the bytes `range` of
    /// `pages()`.
    ///
    /// # Safety
    ///
    /// The pages are valid, and the same ones each time.
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
                    // SAFETY: Its caller promises a valid page.
                    .map(|page| unsafe { ffi::sgdma_page_to_phys(page.as_ptr()) }),
                PAGE_SIZE as u64,
                offset as u64..(offset + range.len()) as u64,
                Limits {
                    // An entry's length has 32 bits, and iommu-dma adds to it.
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

        // The C API counts them in an `int`.
        let orig_nents = i32::try_from(orig_nents).map_err(|_| E2BIG)?;
        let mut list = List::alloc(orig_nents as u32, gfp)?;
        for (sg, run) in list.entries_mut().zip(cut()) {
            // SAFETY: It is an address in one of the pages.
            let page = unsafe { ffi::sgdma_phys_to_page(run.addr) };
            // Fits, as the segments keep to the limit above.
            sg_set_page(sg, page, run.len as u32, run.addr as u32 % PAGE_SIZE as u32);
        }
        Ok(list)
    }
}

/// `sg_phys()`, with the length.
pub(crate) fn sg_phys_run(sg: &bindings::scatterlist) -> Run {
    Run {
        // SAFETY: Arithmetic on the pointer's value.
        addr: unsafe { ffi::sgdma_page_to_phys(sg_page(sg)) } + u64::from(sg.offset),
        len: sg.length.into(),
    }
}
