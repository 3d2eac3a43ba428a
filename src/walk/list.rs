// SPDX-License-Identifier: GPL-2.0

//! Lists of entries that are allocated and freed with a `struct sg_table`.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! A [`List`] owns its entries, but not the pages that the entries point to.

use crate::{
    base::gfp::Gfp,
    walk::entries::{
        sg_dma_len_add,
        sg_set_dma,
        sg_unchain, //
    }, //
};
use kernel::{
    bindings::{
        scatterlist,
        sg_alloc_table,
        sg_free_table,
        sg_table, //
    },
    dma::DmaAddress,
    error::to_result,
    prelude::*, //
};

/// A `struct sg_table` that owns its list of entries.
///
/// # Invariants
///
/// `sg_alloc_table()` has allocated the list. It has `orig_nents` entries, at least one.
pub(crate) struct List(sg_table);

// SAFETY: The value owns the list, and any task may change or free a list.
unsafe impl Send for List {}
// SAFETY: A shared reference only permits reading, which several tasks may do at once.
unsafe impl Sync for List {}

impl List {
    /// Allocates a list of `orig_nents` entries, which have no pages yet: `sg_alloc_table()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `orig_nents` is zero.
    /// - `ENOMEM` if there is no memory.
    pub(crate) fn alloc(orig_nents: u32, gfp: Gfp) -> Result<Self> {
        if orig_nents == 0 {
            return Err(EINVAL);
        }
        let mut sgt = sg_table::default();
        // SAFETY: `sgt` is valid for writing, and the number of entries is not zero. The flags are
        // for memory that has an address.
        to_result(unsafe { sg_alloc_table(&mut sgt, orig_nents, gfp.for_lists()) })?;
        // INVARIANT: The call above succeeded, so the list has `orig_nents` entries.
        Ok(Self(sgt))
    }

    /// Sets the bus addresses of a list whose memory has no pages, as far as anybody may know: one
    /// run, in the first entry.
    pub(crate) fn set_run(&mut self, addr: DmaAddress, len: u32) {
        if let Some(first) = self.entries_mut().next() {
            sg_set_dma(first, addr, len);
        }
        self.0.nents = 1;
    }

    /// Returns the `orig_nents` entries, to be set.
    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut scatterlist> {
        let mut next = self.0.sgl.cast_const();
        (0..self.0.orig_nents).map(move |_| {
            // SAFETY: By the type invariants the list has an entry for each round. `next` is the
            // first entry, or points behind the entry of the last round: to an entry or a chain.
            let sg = unsafe { sg_unchain(next) };
            next = sg.wrapping_add(1);
            // SAFETY: `sg` is an entry of this list, which the iterator borrows exclusively. Each
            // entry comes up once, so no two references are to the same entry.
            unsafe { &mut *sg.cast_mut() }
        })
    }

    /// Moves the beginning of the first entry `before` bytes down, and the end of the last entry
    /// `after` bytes up. Negative numbers move them the other way.
    ///
    /// If the list is `mapped`, the bus addresses and lengths change likewise.
    pub(crate) fn stretch(&mut self, before: i32, after: i32, mapped: bool) {
        if before | after == 0 {
            return;
        }
        let (orig_nents, nents) = (self.0.orig_nents, self.0.nents);
        for (sg, i) in self.entries_mut().zip(1..) {
            if i == 1 {
                sg.offset = sg.offset.wrapping_add_signed(-before);
                sg.length = sg.length.wrapping_add_signed(before);
                if mapped {
                    sg.dma_address = sg.dma_address.wrapping_add_signed(-i64::from(before));
                    sg_dma_len_add(sg, before);
                }
            }
            if i == orig_nents {
                sg.length = sg.length.wrapping_add_signed(after);
            }
            if mapped && i == nents {
                sg_dma_len_add(sg, after);
            }
        }
    }

    /// Returns the C structure, for reading.
    pub(crate) fn sgt(&self) -> &sg_table {
        &self.0
    }

    /// Returns the C structure, for a call that maps or unmaps the list.
    ///
    /// Such a call sets `nents` and the DMA fields of the entries. Nothing else may be changed.
    pub(crate) fn sgt_mut(&mut self) -> &mut sg_table {
        &mut self.0
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: By the type invariants `sg_alloc_table()` has made the list. It is freed once, as
        // the value is dropped once.
        unsafe { sg_free_table(&mut self.0) };
    }
}
