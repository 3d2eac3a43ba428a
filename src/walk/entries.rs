// SPDX-License-Identifier: GPL-2.0

//! The layout of `struct scatterlist`, which C hides behind inline functions.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! They are written again here so that walking is inlined into its caller's loop.

use core::{
    iter::FusedIterator,
    marker::PhantomData, //
};
use kernel::bindings::{
    page,
    scatterlist, //
};

/// Marks an entry that only points to the next array of the list.
const SG_CHAIN: usize = 1;
/// The marks, `SG_CHAIN` and `SG_END`, in the low bits of a pointer.
const SG_PAGE_LINK_MASK: usize = 3;
/// What iommu-dma marks a list with that it maps page by page, as it may have to bounce.
#[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
pub(crate) const SG_DMA_SWIOTLB: u32 = 1 << 1;

/// `sg_page()`.
pub(crate) fn sg_page(sg: &scatterlist) -> *mut page {
    (sg.page_link & !SG_PAGE_LINK_MASK) as *mut page
}

/// `sg_set_page()`: keeps the marks.
pub(crate) fn sg_set_page(sg: &mut scatterlist, page: *mut page, length: u32, offset: u32) {
    sg.page_link = (sg.page_link & SG_PAGE_LINK_MASK) | page as usize;
    sg.offset = offset;
    sg.length = length;
}

/// `sg_dma_len()`.
///
/// A kernel without `CONFIG_NEED_SG_DMA_LENGTH` has no field of its own for it.
#[inline]
pub(crate) fn sg_dma_len(sg: &scatterlist) -> u64 {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    return sg.dma_length.into();
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    return sg.length.into();
}

/// Adds to `sg_dma_len()`, where that is not the entry's `length`, which is added to besides.
pub(crate) fn sg_dma_len_add(sg: &mut scatterlist, bytes: i32) {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    {
        sg.dma_length = sg.dma_length.wrapping_add_signed(bytes);
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    let _ = (sg, bytes);
}

/// Takes back what an earlier mapping has marked the list with, in its first entry.
///
/// iommu-dma marks a list that it bounced, `SG_DMA_SWIOTLB`, and never unmarks it: it takes lists
/// to be mapped once. Mapped again without bouncing, such a list would be synchronised and unmapped
/// as if it were.
pub(crate) fn sg_dma_unmark(first: &mut scatterlist) {
    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    {
        first.dma_flags = 0;
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_FLAGS))]
    let _ = first;
}

/// `sg_dma_is_swiotlb()`: whether the list that `first` begins may have bounced.
pub(crate) fn sg_dma_is_swiotlb(first: &scatterlist) -> bool {
    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    return first.dma_flags & SG_DMA_SWIOTLB != 0;
    #[cfg(not(CONFIG_NEED_SG_DMA_FLAGS))]
    {
        let _ = first;
        false
    }
}

/// The second half of `sg_next()`: the entry that `sg` is, or leads to.
///
/// # Safety
///
/// `sg` points to a valid entry of a list, or to the chain that leads to one.
#[inline]
pub(crate) unsafe fn sg_unchain(sg: *const scatterlist) -> *const scatterlist {
    // SAFETY: Valid, as the caller promises.
    match unsafe { (*sg).page_link } & SG_CHAIN {
        0 => sg,
        // SAFETY: It is a chain.
        _ => unsafe { sg_chain_ptr(sg) },
    }
}

/// `sg_chain_ptr()`. Out of line, for there are a hundred entries to each: walks keep to a branch
/// that is not taken, and to their registers.
///
/// # Safety
///
/// `sg` points to the end of an array of entries, which is a chain.
#[cold]
#[inline(never)]
unsafe fn sg_chain_ptr(sg: *const scatterlist) -> *const scatterlist {
    // SAFETY: Promised by the caller.
    let link = unsafe { (*sg).page_link };
    (link & !SG_PAGE_LINK_MASK) as *const scatterlist
}

/// The first entries of a list.
///
/// # Invariants
///
/// Unless `left` is zero, `sg` points to an entry of a list, or to the chain that leads to one,
/// that has `left` entries at least from there on, and nobody changes those during `'a`.
#[derive(Clone)]
pub(crate) struct Entries<'a> {
    sg: *const scatterlist,
    left: u32,
    _list: PhantomData<&'a scatterlist>,
}

// SAFETY: It only reads a list that, by its invariants, nobody changes during `'a`.
unsafe impl Send for Entries<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for Entries<'_> {}

impl<'a> Entries<'a> {
    /// # Safety
    ///
    /// Unless `count` is zero, `sgl` points to a list of `count` entries at least, and nobody
    /// changes those during the lifetime of the result.
    #[inline]
    pub(crate) unsafe fn new(sgl: *const scatterlist, count: u32) -> Self {
        // INVARIANT: The caller promises just this.
        Self {
            sg: sgl,
            left: count,
            _list: PhantomData,
        }
    }

    /// Gives `take` the next entries, at most `most`, as long as it says that it took one.
    ///
    /// As `next()`, with one count to look at for each.
    #[inline]
    pub(crate) fn next_while(
        &mut self,
        most: usize,
        mut take: impl FnMut(&'a scatterlist) -> bool,
    ) {
        let most = (most as u64).min(self.left.into()) as u32;
        let mut left = most;
        while left > 0 {
            // SAFETY: Of `self.left` entries, `most - left` are gone.
            let sg = unsafe { sg_unchain(self.sg) };
            // SAFETY: By the type invariants it is a valid entry that nobody changes.
            if !take(unsafe { &*sg }) {
                break;
            }
            self.sg = sg.wrapping_add(1);
            left -= 1;
        }
        // INVARIANT: As many are gone, and `sg` is behind them.
        self.left -= most - left;
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a scatterlist;

    #[inline]
    fn next(&mut self) -> Option<&'a scatterlist> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: There was one left, by the type invariants.
        let sg = unsafe { sg_unchain(self.sg) };
        // INVARIANT: If there is another entry, it is behind this one, or a chain is that leads to it.
        self.sg = sg.wrapping_add(1);
        // SAFETY: By the type invariants `sg` is a valid entry that nobody changes.
        Some(unsafe { &*sg })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl FusedIterator for Entries<'_> {}
