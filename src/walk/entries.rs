// SPDX-License-Identifier: GPL-2.0

//! Entries: `struct scatterlist`, and the step from one to the next.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! The entries of a list are in arrays. The last place of an array may be a chain: no entry, but a
//! pointer to the next array. The two low bits of `page_link` mark a chain (`SG_CHAIN`) and the
//! last entry (`SG_END`). In an entry, the other bits point to the segment's first page.
//!
//! C hides this layout behind inline functions, which Rust code could only call out of line, once
//! for each entry. The functions here do the same in Rust, so that the compiler inlines a walk into
//! its caller's loop. Each has the name of its C function.

use core::{
    iter::FusedIterator,
    marker::PhantomData, //
};
use kernel::bindings::{
    page,
    scatterlist, //
};

/// The mark of a chain in `page_link`.
const SG_CHAIN: usize = 1;
/// The bits of `page_link` that hold the marks, `SG_CHAIN` and `SG_END`.
const SG_PAGE_LINK_MASK: usize = 3;
/// The mark in the first entry's `dma_flags` of a list that iommu-dma maps page by page, because
/// some page may have to bounce.
#[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
const SG_DMA_SWIOTLB: u32 = 1 << 1;

/// Returns the first page of an entry: `sg_page()`.
pub(crate) fn sg_page(sg: &scatterlist) -> *mut page {
    (sg.page_link & !SG_PAGE_LINK_MASK) as *mut page
}

/// Sets the segment of an entry, and leaves the marks as they are: `sg_set_page()`.
///
/// `length` and `offset` are in bytes.
pub(crate) fn sg_set_page(sg: &mut scatterlist, page: *mut page, length: u32, offset: u32) {
    sg.page_link = (sg.page_link & SG_PAGE_LINK_MASK) | page as usize;
    sg.offset = offset;
    sg.length = length;
}

/// Returns the length of a mapped entry in bytes: `sg_dma_len()`.
///
/// In a kernel without `CONFIG_NEED_SG_DMA_LENGTH`, `length` serves both walks.
#[inline]
pub(crate) fn sg_dma_len(sg: &scatterlist) -> u64 {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    return sg.dma_length.into();
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    return sg.length.into();
}

/// Sets the bus addresses of an entry that has no pages.
pub(crate) fn sg_set_dma(sg: &mut scatterlist, addr: u64, len: u32) {
    sg.dma_address = addr;
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    {
        sg.dma_length = len;
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    {
        sg.length = len;
    }
}

/// Adds `bytes`, which may be negative, to the field that [`sg_dma_len`] reads; but not to
/// `length`, which the caller changes in any kernel.
pub(crate) fn sg_dma_len_add(sg: &mut scatterlist, bytes: i32) {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    {
        sg.dma_length = sg.dma_length.wrapping_add_signed(bytes);
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    let _ = (sg, bytes);
}

/// Removes the marks that an earlier mapping has left in the first entry of a list.
///
/// iommu-dma marks a list that may have bounced (`SG_DMA_SWIOTLB`) and never removes the mark, as C
/// drivers map a list once. If the list is mapped again and does not bounce, iommu-dma would still
/// sync and unmap the list as one that has bounced.
pub(crate) fn sg_dma_unmark(first: &mut scatterlist) {
    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    {
        first.dma_flags = 0;
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_FLAGS))]
    let _ = first;
}

/// Returns `true` if the list with the first entry `first` may have bounced: `sg_dma_is_swiotlb()`.
pub(crate) fn sg_dma_is_swiotlb(first: &scatterlist) -> bool {
    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    return first.dma_flags & SG_DMA_SWIOTLB != 0;
    #[cfg(not(CONFIG_NEED_SG_DMA_FLAGS))]
    {
        let _ = first;
        false
    }
}

/// Follows a chain: the second half of `sg_next()`. Returns `sg` if `sg` is an entry.
///
/// # Safety
///
/// `sg` points to a valid entry of a list, or to a valid chain that leads to such an entry.
#[inline]
pub(crate) unsafe fn sg_unchain(sg: *const scatterlist) -> *const scatterlist {
    // SAFETY: `sg` is valid for reading, whether it is an entry or a chain.
    let link = unsafe { (*sg).page_link };
    if link & SG_CHAIN == 0 {
        sg
    } else {
        // SAFETY: `sg` has the mark of a chain, and is valid by the requirements of this function.
        unsafe { sg_chain_ptr(sg) }
    }
}

/// Returns the array that a chain leads to: `sg_chain_ptr()`.
///
/// Out of line, because there is one chain for a hundred entries or more: a walk then has a branch
/// that is rarely taken, and keeps its values in registers.
///
/// # Safety
///
/// `sg` points to a valid chain.
#[cold]
#[inline(never)]
unsafe fn sg_chain_ptr(sg: *const scatterlist) -> *const scatterlist {
    // SAFETY: `sg` is valid for reading, by the requirement of this function.
    let link = unsafe { (*sg).page_link };
    (link & !SG_PAGE_LINK_MASK) as *const scatterlist
}

/// An iterator over the first entries of a list.
///
/// # Invariants
///
/// Unless `left` is zero:
///
/// - `sg` points to an entry of a list, or to a chain that leads to an entry.
/// - The list has at least `left` entries from that entry on.
/// - Nobody changes these entries, or the chains between them, during `'a`.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub(crate) struct Entries<'a> {
    sg: *const scatterlist,
    /// The number of entries that are still to come.
    left: u32,
    _list: PhantomData<&'a scatterlist>,
}

// SAFETY: The iterator only reads entries. By the type invariants nobody changes them during `'a`,
// so any task may read them.
unsafe impl Send for Entries<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for Entries<'_> {}

impl<'a> Entries<'a> {
    /// Iterates over the first `count` entries of the list `sgl`.
    ///
    /// # Safety
    ///
    /// Unless `count` is zero, `sgl` points to a list of at least `count` entries, and nobody
    /// changes them, or the chains between them, during `'a`.
    #[inline]
    pub(crate) unsafe fn new(sgl: *const scatterlist, count: u32) -> Self {
        // INVARIANT: The three invariants are the requirements of this function, with `count` for
        // `left`.
        Self {
            sg: sgl,
            left: count,
            _list: PhantomData,
        }
    }

    /// Calls `take` on up to `most` entries, and stops at the first for which `take` returns
    /// `false`. The iterator then continues with that entry.
    ///
    /// The loop tests one counter for each entry, where a loop over `next()` tests two.
    #[inline]
    pub(crate) fn next_while(
        &mut self,
        most: usize,
        mut take: impl FnMut(&'a scatterlist) -> bool,
    ) {
        let most = (most as u64).min(self.left.into()) as u32;
        let mut left = most;
        while left > 0 {
            // SAFETY: `most - left` of the `self.left` entries are gone. At least one is left, so
            // by the type invariants `self.sg` points to an entry, or to a chain that leads to one.
            let sg = unsafe { sg_unchain(self.sg) };
            // SAFETY: By the type invariants `sg` is a valid entry that nobody changes during `'a`.
            if !take(unsafe { &*sg }) {
                break;
            }
            self.sg = sg.wrapping_add(1);
            left -= 1;
        }
        // INVARIANT: `most - left` entries are gone, and `self.sg` points behind the last of them.
        self.left -= most - left;
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a scatterlist;

    #[inline]
    fn next(&mut self) -> Option<&'a scatterlist> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `left` was not zero, so by the type invariants `self.sg` points to an entry, or
        // to a chain that leads to one.
        let sg = unsafe { sg_unchain(self.sg) };
        // INVARIANT: If the list has another entry, that entry follows this one in the array, or a
        // chain to it does.
        self.sg = sg.wrapping_add(1);
        // SAFETY: By the type invariants `sg` is a valid entry that nobody changes during `'a`.
        Some(unsafe { &*sg })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl FusedIterator for Entries<'_> {}
