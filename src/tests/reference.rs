// SPDX-License-Identifier: GPL-2.0

//! References for the walks of random tables: the kernel's iterators, and models.
//!
//! The kernel's iterators are the reference wherever they are right. For bus addresses, they are
//! right if each address equals `sg->offset` modulo the page size. A table that an IOMMU has merged
//! need not be so, and then the reference is a model that steps from page to page.

use super::tables::Table;
use crate::walk::{
    dma::DmaTable,
    entries::sg_page,
    run::Run, //
};
use kernel::{
    bindings,
    page::PAGE_SHIFT, //
};

/// Returns the pages by `for_each_sg_page()`, as numbers.
pub(super) fn c_cpu_pages(table: &Table, pgoffset: usize) -> impl Iterator<Item = u64> + '_ {
    let mut iter = bindings::sg_page_iter::default();
    let (sgl, nents) = (table.sgt.sgl, table.sgt.orig_nents);
    // SAFETY: `iter` is valid for writing, and the table has `orig_nents` entries.
    unsafe { bindings::__sg_page_iter_start(&mut iter, sgl, nents, pgoffset) };
    core::iter::from_fn(move || {
        // SAFETY: `iter` has been started, and the table is borrowed.
        if !unsafe { bindings::__sg_page_iter_next(&mut iter) } {
            return None;
        }
        // SAFETY: The iterator stands on an entry of the table.
        let first = sg_page(unsafe { &*iter.sg });
        Some(first.wrapping_add(iter.sg_pgoffset as usize) as u64)
    })
}

/// Returns the bus addresses by `for_each_sg_dma_page()`, which does not align them.
pub(super) fn c_dma_pages(table: &DmaTable, pgoffset: usize) -> impl Iterator<Item = u64> + '_ {
    let mut iter = bindings::sg_dma_page_iter::default();
    // SAFETY: A reference to a `DmaTable` is one to a valid `sg_table`.
    let (sgl, nents) = unsafe { ((*table.as_raw()).sgl, (*table.as_raw()).nents) };
    // SAFETY: `iter` is valid for writing, and the table has `nents` entries.
    unsafe { bindings::__sg_page_iter_start(&mut iter.base, sgl, nents, pgoffset) };
    core::iter::from_fn(move || {
        // SAFETY: `iter` has been started, and the table is borrowed.
        if !unsafe { bindings::__sg_page_iter_dma_next(&mut iter) } {
            return None;
        }
        // SAFETY: The iterator stands on an entry of the table.
        let addr = unsafe { (*iter.base.sg).dma_address };
        Some(addr + (u64::from(iter.base.sg_pgoffset) << PAGE_SHIFT))
    })
}

/// Returns the frames of each run, found by steps from one frame to the next.
pub(super) fn model_frames(
    runs: impl Iterator<Item = Run>,
    size: u64,
) -> impl Iterator<Item = u64> {
    runs.filter(|run| run.len > 0).flat_map(move |run| {
        let first = run.addr & !(size - 1);
        core::iter::successors(Some(first), move |frame| frame.checked_add(size))
            .take_while(move |frame| *frame < run.addr + run.len)
    })
}
