// SPDX-License-Identifier: GPL-2.0

//! Measures the library's walks beside those of C and of upstream's Rust, on the same tables, when
//! the module is loaded.

mod generated;
#[path = "measure.rs"]
mod measure;

use core::hint::black_box;
use kernel::{
    bindings,
    error::to_result,
    fmt,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    scatterlist::SGTable, //
};
use measure::{
    measure,
    report, //
};
use sgdma::{
    CpuTable,
    DmaTable,
    Lockstep, //
};

type SgTable = bindings::sg_table;
type Page = *mut bindings::page;
type Pair = generated::bench_pair;

const PAGES: usize = 65536;
/// Segments of 1, 4, 16, 512 and 65536 pages.
const ORDERS: [usize; 5] = [0, 2, 4, 9, 16];
/// 64 GiB of pages of 4 KiB.
const MANY_PAGES: usize = 256 * PAGES;
const BLOCK_SHIFT: usize = 21;

/// A table that looks mapped. All segments have the same number of pages, and no segment continues
/// another.
///
/// The pages do not exist: nobody accesses a page, only the pointers are counted.
struct Table {
    sgt: SgTable,
    /// The logarithm of the number of pages in a segment.
    order: usize,
}

impl Table {
    fn new(pages: usize, order: usize) -> Result<Self> {
        let nents = pages >> order;
        let mut sgt = SgTable::default();
        // SAFETY: `sgt` is valid for writing, and `nents` is not zero.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut sgt, nents as u32, bindings::GFP_KERNEL)
        })?;
        let table = Self { sgt, order };
        let mut sg = sgt.sgl;
        for i in 0..nents {
            let first = i << order;
            // SAFETY: The list has `nents` entries, and nobody else has it.
            unsafe {
                (*sg).page_link = (*sg).page_link & 3 | table.page(first) as usize;
                (*sg).length = (PAGE_SIZE << order) as u32;
                (*sg).dma_address = table.addr(first);
                #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
                {
                    (*sg).dma_length = (*sg).length;
                }
                sg = bindings::sg_next(sg);
            }
        }
        Ok(table)
    }

    /// Returns the bus address of a page. Between two segments there is room for one more.
    fn addr(&self, page: usize) -> u64 {
        let segment = page >> self.order;
        // The size of a block divides the address of the block.
        let gap = segment << self.order.min(BLOCK_SHIFT - PAGE_SHIFT);
        ((page + gap) * PAGE_SIZE) as u64
    }

    fn page(&self, page: usize) -> Page {
        core::ptr::null_mut::<bindings::page>().wrapping_add(1 + page)
    }

    fn dma(&self) -> &DmaTable {
        // SAFETY: The list has `nents` entries that look mapped. Nobody changes the list any more.
        unsafe { DmaTable::from_raw(&self.sgt) }
    }

    fn cpu(&self) -> &CpuTable {
        // SAFETY: Nobody changes the list any more, and nobody accesses the pages.
        unsafe { CpuTable::from_raw(&self.sgt) }
    }

    fn upstream(&self) -> &SGTable {
        // SAFETY: The list has `nents` entries that look mapped. Nobody changes the list any more.
        unsafe { SGTable::from_raw((&raw const self.sgt).cast_mut()) }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: Allocated by `Table::new()`.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
    }
}

/// A name and the number of pages in a segment.
struct Named<'a>(&'a str, usize);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// A way to fill slots of type `T` from a table.
type Way<T> = (&'static str, fn(&Table, &mut [T]));

/// Measures each way, and checks that slot `i` is `expected(i)` afterwards.
fn compare<T: Copy + PartialEq>(
    table: &Table,
    name: &str,
    slots: &mut [T],
    expected: impl Fn(usize) -> T,
    ways: &[Way<T>],
) -> Result {
    for _ in 0..sgdma::parameter(&module_parameters::rounds) {
        for (way, run) in ways {
            slots.fill(expected(0));
            let time = measure(|| run(table, black_box(slots))).0;
            if (0..).zip(&*slots).any(|(i, slot)| *slot != expected(i)) {
                pr_err!("{} is wrong\n", way);
                return Err(EINVAL);
            }
            report(Named(name, 1 << table.order), way, time, slots.len());
        }
    }
    Ok(())
}

const FILL: &[Way<u64>] = &[
    ("c", |table, ptes| {
        // SAFETY: The table has as many pages as there are slots.
        unsafe { generated::bench_fill_pages(&table.sgt, ptes.as_mut_ptr()) };
    }),
    ("c-runs", |table, ptes| {
        // SAFETY: As above.
        unsafe { generated::bench_fill_runs(&table.sgt, ptes.as_mut_ptr(), PAGE_SHIFT as u32) };
    }),
    ("upstream", |table, ptes| {
        let mut rest = ptes.iter_mut();
        for sg in table.upstream().iter() {
            let num_pages = (sg.dma_len() as usize).div_ceil(PAGE_SIZE);
            for i in 0..num_pages {
                let entry = sg.dma_address() + i as u64 * PAGE_SIZE as u64;
                if let Some(pte) = rest.next() {
                    *pte = entry;
                }
            }
        }
    }),
    ("sgdma", |table, ptes| {
        table.dma().dma_pages().fill(ptes, |addr| addr);
    }),
    ("sgdma-for", |table, ptes| {
        for run in table.dma().dma_pages().zip_runs(ptes) {
            for (addr, pte) in run {
                *pte = addr;
            }
        }
    }),
    ("sgdma-zip", |table, ptes| {
        for (pte, addr) in ptes.iter_mut().zip(table.dma().dma_pages()) {
            *pte = addr;
        }
    }),
];

/// The limit that no walk can beat: there is no table.
const LIMIT: &[Way<u64>] = &[("limit", |table, ptes| {
    let mut addr = black_box(table.addr(0));
    for pte in ptes {
        *pte = addr;
        addr = addr.wrapping_add(PAGE_SIZE as u64);
    }
})];

const FILL_32: &[Way<u32>] = &[
    ("c", |table, ptes| {
        // SAFETY: The table has as many pages as there are slots.
        unsafe { generated::bench_fill_pages32(&table.sgt, ptes.as_mut_ptr()) };
    }),
    ("sgdma", |table, ptes| {
        let mut pages = table.dma().dma_pages();
        pages.fill(ptes, |addr| (addr >> PAGE_SHIFT) as u32);
    }),
];

const FILL_BLOCKS: &[Way<u64>] = &[
    ("c-runs", |table, ptes| {
        // SAFETY: The table has as many blocks as there are slots.
        unsafe { generated::bench_fill_runs(&table.sgt, ptes.as_mut_ptr(), BLOCK_SHIFT as u32) };
    }),
    ("sgdma", |table, ptes| {
        if let Ok(mut blocks) = table.dma().dma_blocks(1 << BLOCK_SHIFT) {
            blocks.fill(ptes, |addr| addr);
        }
    }),
];

const CPU_WALK: &[Way<Page>] = &[
    ("c", |table, pages| {
        // SAFETY: The table has as many pages as there are slots.
        unsafe { generated::bench_cpu_pages(&table.sgt, pages.as_mut_ptr()) };
    }),
    ("sgdma", |table, pages| {
        for (slot, page) in pages.iter_mut().zip(table.cpu().cpu_pages()) {
            *slot = page.as_ptr();
        }
    }),
];

const LOCKSTEP: &[Way<Pair>] = &[
    ("c", |table, pairs| {
        // SAFETY: The table has as many pages as there are slots.
        unsafe { generated::bench_lockstep(&table.sgt, pairs.as_mut_ptr()) };
    }),
    ("sgdma", |table, pairs| {
        for (pair, piece) in pairs
            .iter_mut()
            .zip(Lockstep::new(table.cpu(), table.dma()))
        {
            *pair = Pair {
                page: piece.page.as_ptr(),
                addr: piece.dma_address,
            };
        }
    }),
];

fn walks() -> Result {
    let mut ptes = KVVec::from_elem(0u64, PAGES, GFP_KERNEL)?;
    let mut ptes_32 = KVVec::from_elem(0u32, PAGES, GFP_KERNEL)?;
    let mut pages = KVVec::from_elem(core::ptr::null_mut(), PAGES, GFP_KERNEL)?;
    for order in ORDERS {
        let table = &Table::new(PAGES, order)?;
        let (page, addr) = (|i| table.page(i), |i| table.addr(i));
        let pair = |i| Pair {
            page: page(i),
            addr: addr(i),
        };
        let mut pairs = KVVec::from_elem(pair(0), PAGES, GFP_KERNEL)?;
        compare(table, "fill", &mut ptes, addr, FILL)?;
        compare(
            table,
            "fill32",
            &mut ptes_32,
            |i| (addr(i) >> PAGE_SHIFT) as u32,
            FILL_32,
        )?;
        compare(table, "cpu", &mut pages, page, CPU_WALK)?;
        compare(table, "lockstep", &mut pairs, pair, LOCKSTEP)?;
    }
    let table = &Table::new(PAGES, 16)?;
    compare(table, "fill", &mut ptes, |i| table.addr(i), LIMIT)
}

/// Measures 64 GiB, to show that the cost grows with the number of pages and nothing else.
fn many_pages() -> Result {
    let mut ptes = KVVec::from_elem(0u64, MANY_PAGES, GFP_KERNEL)?;
    for order in [9, 16] {
        let table = &Table::new(MANY_PAGES, order)?;
        compare(table, "fill-64G", &mut ptes, |i| table.addr(i), FILL)?;

        let per_block = 1 << BLOCK_SHIFT >> PAGE_SHIFT;
        let blocks = &mut ptes[..MANY_PAGES / per_block];
        compare(
            table,
            "blocks-64G",
            blocks,
            |i| table.addr(i * per_block),
            FILL_BLOCKS,
        )?;
    }
    Ok(())
}

module! {
    type: Walks,
    name: "sgdma_bench_walks",
    authors: ["sgdma developers"],
    description: "Measures sgdma's walks beside others",
    license: "GPL",
    params: {
        rounds: u32 {
            default: 1,
            description: "The number of times each measurement is made",
        },
    },
}

struct Walks;

impl kernel::Module for Walks {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        measure::tell_unit();
        walks()?;
        many_pages()?;
        Ok(Self)
    }
}
