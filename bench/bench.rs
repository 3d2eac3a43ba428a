// SPDX-License-Identifier: GPL-2.0

//! Measures the library's walks beside C's on the same tables, when it is loaded.
//!
//! Under QEMU's icount a nanosecond is an instruction, and the figures repeat to the digit.

use core::ffi::c_void;
use kernel::{
    bindings,
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::DmaTable;

// Only pointers to these structures are passed; that some have empty members does not matter.
#[allow(improper_ctypes)]
extern "C" {
    fn bench_measure(run: unsafe extern "C" fn(*mut c_void), data: *mut c_void) -> u64;
    fn bench_fill_c(sgt: *const bindings::sg_table, ptes: *mut u64);
}

const PAGES: usize = 65536;

/// How long `work` takes, in nanoseconds.
fn measure<F: FnMut()>(mut work: F) -> u64 {
    /// # Safety
    ///
    /// `data` points to an `F` that nobody else uses during the call.
    unsafe extern "C" fn run<F: FnMut()>(data: *mut c_void) {
        // SAFETY: The caller promises just this.
        unsafe { (*data.cast::<F>())() }
    }
    // SAFETY: `run` is given the data it is for, and is called before this returns.
    unsafe { bench_measure(run::<F>, (&raw mut work).cast()) }
}

/// A table that looks mapped: `PAGES` pages in segments of as many, none next to another.
struct Table(bindings::sg_table);

impl Table {
    fn new(pages_per_segment: usize) -> Result<Self> {
        let mut sgt = bindings::sg_table::default();
        let nents = PAGES / pages_per_segment;
        // SAFETY: `sgt` is valid for writing, and `nents` is not zero.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut sgt, nents as u32, bindings::GFP_KERNEL)
        })?;
        let table = Self(sgt);
        let mut sg = sgt.sgl;
        for i in 0..nents {
            // SAFETY: The list has `nents` entries, and nobody else has it.
            unsafe {
                (*sg).dma_address = (i * (pages_per_segment + 1) * PAGE_SIZE) as u64;
                (*sg).length = (pages_per_segment * PAGE_SIZE) as u32;
                #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
                {
                    (*sg).dma_length = (*sg).length;
                }
                sg = bindings::sg_next(sg);
            }
        }
        Ok(table)
    }

    fn dma(&self) -> &DmaTable {
        // SAFETY: The list has `nents` entries that look mapped, and is not changed any more.
        unsafe { DmaTable::from_raw(&self.0) }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: Allocated by `Table::new()`.
        unsafe { bindings::sg_free_table(&mut self.0) };
    }
}

fn fill(pages_per_segment: usize, ptes: &mut [u64], expected: &mut [u64]) -> Result {
    let table = Table::new(pages_per_segment)?;
    // SAFETY: The table has `PAGES` pages in all, for which there is room.
    let c = measure(|| unsafe { bench_fill_c(table.dma().as_raw(), expected.as_mut_ptr()) });

    let by_for = measure(|| {
        for (pte, addr) in ptes.iter_mut().zip(table.dma().dma_pages()) {
            *pte = addr;
        }
    });
    if ptes != expected {
        return Err(EINVAL);
    }
    ptes.fill(0);
    let by_for_each = measure(|| {
        let mut rest = ptes.iter_mut();
        table.dma().dma_pages().for_each(|addr| {
            if let Some(pte) = rest.next() {
                *pte = addr;
            }
        });
    });
    if ptes != expected {
        return Err(EINVAL);
    }
    for (name, ours) in [("for", by_for), ("for_each", by_for_each)] {
        pr_info!(
            "fill/{} {}: C {}, ours {} of 1/100 ns a page, ratio {}.{:02}\n",
            pages_per_segment,
            name,
            c * 100 / PAGES as u64,
            ours * 100 / PAGES as u64,
            c / ours,
            c % ours * 100 / ours
        );
    }
    Ok(())
}

module! {
    type: Bench,
    name: "sgdma_bench",
    authors: ["sgdma developers"],
    description: "Measures sgdma beside C",
    license: "GPL",
}

struct Bench;

impl kernel::Module for Bench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut ptes = KVVec::from_elem(0u64, PAGES, GFP_KERNEL)?;
        let mut expected = KVVec::from_elem(0u64, PAGES, GFP_KERNEL)?;
        for pages_per_segment in [1, 16, 512] {
            fill(pages_per_segment, &mut ptes, &mut expected)?;
        }
        Ok(Self)
    }
}
