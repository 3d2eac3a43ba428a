// SPDX-License-Identifier: GPL-2.0

//! A `struct sg_table` that owns its list of entries.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use crate::{
    base::gfp::Gfp,
    walk::entries::{
        sg_dma_len_add,
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
    error::to_result,
    prelude::*, //
};

/// A `struct sg_table` with its list of entries.
///
/// # Invariants
///
/// It was allocated, with `orig_nents` entries, of which there is at least one.
pub(crate) struct List(sg_table);

// SAFETY: The list is owned by the value and tied to no task.
unsafe impl Send for List {}
// SAFETY: Behind a shared reference it is only read.
unsafe impl Sync for List {}

impl List {
    /// Makes a list of as many entries, which have no pages yet.
    ///
    /// # Errors
    ///
    /// `EINVAL` if they are none, `ENOMEM` if there is no memory.
    pub(crate) fn alloc(orig_nents: u32, gfp: Gfp) -> Result<Self> {
        if orig_nents == 0 {
            return Err(EINVAL);
        }
        let mut sgt = sg_table::default();
        // SAFETY: `sgt` is valid for writing, and there is at least one entry.
        to_result(unsafe { sg_alloc_table(&mut sgt, orig_nents, gfp.for_lists()) })?;
        // INVARIANT: Allocated just now.
        Ok(Self(sgt))
    }

    /// The entries, to be set.
    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut scatterlist> {
        let mut next = self.0.sgl.cast_const();
        (0..self.0.orig_nents).map(move |_| {
            // SAFETY: By the type invariants this entry is the first, or another one behind the last.
            let sg = unsafe { sg_unchain(next) };
            next = sg.wrapping_add(1);
            // SAFETY: It is an entry of our list, which is borrowed, and comes up once.
            unsafe { &mut *sg.cast_mut() }
        })
    }

    /// Has the first entry begin so many bytes earlier, and the last one end so many later; fewer
    /// than nothing is the other way round. If the list is mapped, so do the entries that the
    /// device sees.
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

    pub(crate) fn sgt(&self) -> &sg_table {
        &self.0
    }

    /// For mapping, which sets `nents` and the entries' DMA fields and nothing else.
    pub(crate) fn sgt_mut(&mut self) -> &mut sg_table {
        &mut self.0
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it was allocated; it is freed once, here.
        unsafe { sg_free_table(&mut self.0) };
    }
}
