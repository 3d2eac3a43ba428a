// SPDX-License-Identifier: GPL-2.0

//! The DMA walk: what the device sees of a mapped table.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! Bounded by the `nents` that mapping returned and by `sg_dma_len()`. The CPU's pages are another
//! walk and another type: an IOMMU may have merged entries, so the two do not run in step.

use crate::{
    frames::{
        Frames,
        Run, //
    },
    scatterlist::{
        sg_dma_len,
        sg_next, //
    },
};
use core::{
    iter::FusedIterator,
    marker::PhantomData, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SHIFT, //
};

/// The runs of bus addresses of a mapped table: `for_each_sgtable_dma_sg()`.
///
/// # Invariants
///
/// `sg` points to a DMA-mapped entry of a scatterlist that has at least `left` entries from there
/// on, unless `left` is zero; the list is neither changed nor unmapped during `'a`.
#[derive(Clone)]
pub struct DmaRuns<'a> {
    sg: *const bindings::scatterlist,
    left: u32,
    _table: PhantomData<&'a bindings::scatterlist>,
}

// SAFETY: A `DmaRuns` only reads a list that, by its invariants, nobody changes during `'a`.
unsafe impl Send for DmaRuns<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for DmaRuns<'_> {}

impl<'a> DmaRuns<'a> {
    /// Walks the mapped entries of `sgt`.
    ///
    /// # Safety
    ///
    /// `sgt` is DMA-mapped, has `nents` entries at least, and is neither changed nor unmapped
    /// during `'a`.
    pub(crate) unsafe fn new(sgt: &'a bindings::sg_table) -> Self {
        // INVARIANT: The caller promises just this.
        Self {
            sg: sgt.sgl,
            left: sgt.nents,
            _table: PhantomData,
        }
    }
}

impl Iterator for DmaRuns<'_> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: By the type invariants there was an entry left, so `sg` points to a valid one
        // that nobody changes.
        let sg = unsafe { &*self.sg };
        if self.left > 0 {
            // SAFETY: There is another entry behind this one, by the type invariants.
            // INVARIANT: It has one less from there on.
            self.sg = unsafe { sg_next(self.sg) };
        }
        Some(Run {
            addr: sg.dma_address,
            len: sg_dma_len(sg),
        })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for DmaRuns<'_> {}
impl FusedIterator for DmaRuns<'_> {}

/// The page-aligned bus addresses of a mapped table: `for_each_sgtable_dma_page()`.
///
/// Yields the frames of `PAGE_SIZE` bytes that hold at least one byte of a run, run after run: what
/// a page table is filled with. A run need not begin where its first frame does: a bounce buffer
/// or an IOMMU with smaller pages may put it anywhere in there. A copy engine wants [`DmaRuns`].
#[derive(Clone)]
pub struct DmaPages<'a> {
    runs: DmaRuns<'a>,
    frames: Frames,
}

impl<'a> DmaPages<'a> {
    pub(crate) fn new(runs: DmaRuns<'a>) -> Self {
        Self {
            runs,
            frames: Frames::EMPTY,
        }
    }
}

#[inline]
fn frames(run: Run) -> Frames {
    Frames::cover(run, PAGE_SHIFT as u32)
}

impl Iterator for DmaPages<'_> {
    type Item = DmaAddress;

    #[inline]
    fn next(&mut self) -> Option<DmaAddress> {
        loop {
            if let Some(addr) = self.frames.next() {
                return Some(addr);
            }
            self.frames = frames(self.runs.next()?);
        }
    }

    /// Goes run by run, so that the inner loop is a plain counted one.
    #[inline]
    fn fold<B, F>(self, init: B, mut f: F) -> B
    where
        F: FnMut(B, DmaAddress) -> B,
    {
        let acc = self.frames.fold(init, &mut f);
        self.runs
            .fold(acc, |acc, run| frames(run).fold(acc, &mut f))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.frames.size_hint().0, None)
    }
}

impl FusedIterator for DmaPages<'_> {}
