// SPDX-License-Identifier: GPL-2.0

//! Tests of the walks on the host, against models that count byte by byte.
//!
//! They follow pointers, so `tests/test_host.py` runs this under a checker of memory accesses too.
//! What they take from the kernel is at the end of this file. It needs `--cfg` of
//! `CONFIG_NEED_SG_DMA_LENGTH` and `CONFIG_NEED_SG_DMA_FLAGS`.
//!
//! With `--cfg=fuzzing` it is a target of libFuzzer's, which then chooses the tables.

// The files have more than is used here.
#![allow(dead_code)]
#![cfg_attr(fuzzing, no_main)]

extern crate self as kernel;

#[path = "../../src/cpu_walk.rs"]
mod cpu_walk;
#[path = "../../src/dma_walk.rs"]
mod dma_walk;
#[path = "../../src/frames.rs"]
mod frames;
#[path = "../../src/lockstep.rs"]
mod lockstep;
#[path = "../../src/scatterlist.rs"]
mod scatterlist;

use cpu_walk::{
    CpuPage,
    CpuTable, //
};
use dma_walk::DmaTable;
use frames::Run;
use lockstep::{
    Lockstep,
    Piece, //
};
use page::PAGE_SIZE;
use scatterlist::{
    sg_set_page,
    List, //
};
use std::{
    fmt::Debug,
    ops::Range, //
};

/// What a table is made by.
trait Choose {
    /// A number below `n`, which is not zero.
    fn below(&mut self, n: usize) -> usize;
}

/// Marsaglia's xorshift64*, as in `src/compare.rs`.
struct Random(u64);

impl Choose for Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as usize % n
    }
}

/// What a fuzzer gives: a byte for each choice, and zeros when they are used up.
struct Input<'a>(&'a [u8]);

impl Choose for Input<'_> {
    fn below(&mut self, n: usize) -> usize {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*byte) % n
    }
}

/// A list that says of itself to be mapped, and what is in it. Byte `i` of page `n` has the number
/// `n * PAGE_SIZE + i`.
struct Table {
    /// The numbers of the bytes of each entry, and of the first byte of its first page.
    cpu: Vec<(Range<usize>, usize)>,
    dma: Vec<Run>,
    list: List,
}

impl Table {
    fn random(random: &mut impl Choose, most: usize) -> Self {
        // Every table is one of those with many empty entries, many merged ones and so on.
        let [full, merged, offsets] = [4, 3, 3].map(|n| random.below(n) + 1);
        let (wrong_lengths, tail) = (random.below(8) == 0, random.below(4));
        let (mut cpu, mut dma) = (Vec::new(), Vec::<Run>::new());
        for left in (0..random.below(most) + 1).rev() {
            let first = random.below(64) * PAGE_SIZE;
            let start = first + random.below(offsets) * random.below(PAGE_SIZE);
            let len = match random.below(full) {
                _ if left < tail => 0,
                0 => random.below(3 * PAGE_SIZE),
                1 => PAGE_SIZE,
                _ => 0,
            };
            cpu.push((start..start + len, first));

            let len = match wrong_lengths {
                true => random.below(PAGE_SIZE),
                false => len,
            } as u64;
            match dma.last_mut() {
                Some(last) if random.below(merged) > 0 => last.len += len,
                last => {
                    let far = random.below(256) as u64;
                    let end = last.map_or(far, |last| last.addr + last.len);
                    let addr = [end, far][random.below(2)];
                    dma.push(Run { addr, len });
                }
            }
        }
        let list = list(&cpu, &dma);
        Self { cpu, dma, list }
    }

    fn cpu(&self) -> &CpuTable {
        // SAFETY: The list has `orig_nents` entries and is not changed while borrowed.
        unsafe { CpuTable::from_raw(self.list.sgt()) }
    }

    fn dma(&self) -> &DmaTable {
        // SAFETY: The list has `nents` entries that look mapped, and is not changed while borrowed.
        unsafe { DmaTable::from_raw(self.list.sgt()) }
    }

    fn lockstep(&self) -> Lockstep<'_> {
        Lockstep::new(self.cpu(), self.dma())
    }

    /// Every byte and the entry it is in.
    fn cpu_bytes(&self) -> Vec<(usize, usize)> {
        let entries = self.cpu.iter().enumerate();
        entries
            .flat_map(|(i, (bytes, _))| bytes.clone().map(move |byte| (i, byte)))
            .collect()
    }
}

fn list(cpu: &[(Range<usize>, usize)], dma: &[Run]) -> List {
    let mut list = List::alloc(cpu.len() as u32, gfp::Gfp).unwrap();
    // All at once: no two may be the same, nor may making one invalidate another.
    let entries: Vec<_> = list.entries_mut().collect();
    assert_eq!(entries.len(), cpu.len());
    for (i, sg) in entries.into_iter().enumerate() {
        let (bytes, first) = &cpu[i];
        let page = nth_page(first / PAGE_SIZE).as_ptr();
        sg_set_page(sg, page, bytes.len() as u32, (bytes.start - first) as u32);
        assert_eq!(sg.page_link & 3, if i + 1 == cpu.len() { 2 } else { 0 });
        // Behind the mapped entries is what no walk may take.
        let run = dma.get(i).unwrap_or(&Run { addr: 7, len: 77 });
        (sg.dma_address, sg.dma_length) = (run.addr, run.len as u32);
    }
    list.sgt_mut().nents = dma.len() as u32;
    list
}

/// No such page is there, nor looked at.
fn nth_page(n: usize) -> CpuPage<'static> {
    CpuPage::new(core::ptr::null_mut::<bindings::page>().wrapping_add(n))
}

/// Miri is slow: it has few tables, and one in so many of the cases of each.
const STEP: usize = if cfg!(miri) { 11 } else { 1 };

/// Random tables of up to `most` entries.
fn tables(most: usize) -> impl Iterator<Item = Table> {
    (1..if cfg!(miri) { 9 } else { 600 })
        .map(move |seed| Table::random(&mut Random(seed ^ 0x9e37_79b9_7f4a_7c15), most))
}

/// However the walk is used, it gives these items.
fn check<T: Copy + Debug + PartialEq>(walk: impl Iterator<Item = T> + Clone, items: &[T]) {
    let ends = |hint: (usize, Option<usize>), len| hint.0 <= len && hint.1.is_none_or(|n| n >= len);
    let mut stepped = walk.clone();
    for start in 0..=items.len() {
        let rest = &items[start..];
        if start % STEP != 0 && !rest.is_empty() {
            assert_eq!(stepped.next(), Some(rest[0]));
            continue;
        }
        let mut jumped = walk.clone();
        if let Some(before) = start.checked_sub(1) {
            assert_eq!(jumped.nth(before), Some(items[before]));
        }
        for halfway in [&stepped, &jumped] {
            assert!(ends(halfway.size_hint(), rest.len()));
            for n in [0, 1, 2, 5, rest.len()] {
                assert_eq!(halfway.clone().nth(n), rest.get(n).copied());
            }
            let mut folded = Vec::new();
            halfway.clone().for_each(|item| folded.push(item));
            assert_eq!(folded, rest);
        }
        assert_eq!(stepped.next(), rest.first().copied());
    }
    assert_eq!((stepped.next(), stepped.size_hint().0), (None, 0));
}

/// The frames that hold a byte of the run, found by looking at every byte.
fn frames_by_bytes(run: &Run, size: u64) -> Vec<u64> {
    let bytes = run.addr..run.addr + run.len;
    let mut frames: Vec<u64> = bytes.map(|byte| byte / size * size).collect();
    frames.dedup();
    frames
}

/// Those up to each entry's last byte.
fn check_cpu_pages(table: &Table) {
    let mut pages = Vec::new();
    for (bytes, first) in &table.cpu {
        let mut entry: Vec<_> = (*first..bytes.end).map(|i| i / PAGE_SIZE).collect();
        entry.dedup();
        pages.extend(entry.into_iter().map(nth_page));
    }
    check(table.cpu().cpu_pages(), &pages);
    assert_eq!(table.cpu().orig_nents(), table.cpu.len());
}

#[test]
fn cpu_pages_are_those_up_to_each_entrys_last_byte() {
    tables(14).for_each(|table| check_cpu_pages(&table));
}

/// Those of every range are its bytes, cut at pages.
fn check_pieces(table: &Table) {
    let bytes = table.cpu_bytes();
    // All ranges up to two pages, and those to the end.
    for start in (0..=bytes.len()).step_by(STEP) {
        let near = bytes.len().min(start + 2 * PAGE_SIZE);
        for end in (start..=near).step_by(STEP).chain([bytes.len()]) {
            let page = |&(i, byte): &(usize, usize)| (i, byte / PAGE_SIZE);
            let expected = bytes[start..end]
                .chunk_by(|a, b| page(a) == page(b))
                .map(|piece| {
                    (
                        nth_page(page(&piece[0]).1),
                        piece[0].1 % PAGE_SIZE,
                        piece.len(),
                    )
                });
            assert!(
                table.cpu().pieces(start..end).eq(expected),
                "{start}..{end}"
            );
        }
    }
}

#[test]
fn pieces_of_every_range_are_its_bytes_cut_at_pages() {
    tables(6).take(40).for_each(|table| check_pieces(&table));
}

/// They hold every byte of each run.
fn check_dma_pages(table: &Table) {
    let pages = table
        .dma
        .iter()
        .flat_map(|run| frames_by_bytes(run, PAGE_SIZE as u64));
    let pages: Vec<_> = pages.collect();
    check(table.dma().dma_pages(), &pages);
    for n in [1, 5, 64] {
        let mut walk = table.dma().dma_pages();
        let mut filled = Vec::new();
        loop {
            let mut slots = vec![None; n];
            let some = walk.fill(&mut slots, Some);
            filled.extend(slots.into_iter().flatten());
            if some < n {
                break;
            }
        }
        assert_eq!(filled, pages);
    }
}

#[test]
fn dma_pages_hold_every_byte_of_each_run() {
    tables(14).for_each(|table| check_dma_pages(&table));
}

/// They are the segments, joined; and blocks are those of runs.
fn check_dma_runs(table: &Table) {
    check(table.dma().dma_segments(), &table.dma);
    assert_eq!(table.dma().dma_segments().len(), table.dma().nents());
    let mut runs: Vec<Run> = Vec::new();
    for run in table.dma.iter().filter(|run| run.len > 0) {
        match runs.last_mut() {
            Some(last) if last.addr + last.len == run.addr => last.len += run.len,
            _ => runs.push(*run),
        }
    }
    check(table.dma().dma_runs(), &runs);
    for size in [1, 8, 16, 32, 64] {
        if let Ok(blocks) = table.dma().dma_blocks(size) {
            let offset = runs.first().map_or(0, |run| run.addr % size);
            assert_eq!(blocks.offset(), offset);
            let expected = runs.iter().flat_map(|run| frames_by_bytes(run, size));
            check(blocks, &expected.collect::<Vec<_>>());
        }
    }
}

#[test]
fn dma_runs_are_the_segments_joined() {
    tables(14).for_each(|table| check_dma_runs(&table));
}

/// Each byte is beside its bus address.
fn check_lockstep(table: &Table) {
    let runs = table.dma.iter().enumerate();
    let bus = runs.flat_map(|(i, run)| (0..run.len).map(move |n| (i, run.addr + n)));
    let bytes: Vec<_> = table.cpu_bytes().into_iter().zip(bus).collect();
    let place = |&((sg, byte), (run, _)): &_| (sg, byte / PAGE_SIZE, run);
    let pieces = bytes.chunk_by(|a, b| place(a) == place(b)).map(|piece| {
        let ((_, byte), (_, dma_address)) = piece[0];
        Piece {
            page: nth_page(byte / PAGE_SIZE),
            offset: byte % PAGE_SIZE,
            len: piece.len(),
            dma_address,
        }
    });
    check(table.lockstep(), &pieces.collect::<Vec<_>>());
}

#[test]
fn lockstep_has_each_byte_beside_its_bus_address() {
    tables(14).for_each(|table| check_lockstep(&table));
}

#[test]
fn tables_of_nothing_have_no_walk() {
    let sgt = bindings::sg_table::default();
    // SAFETY: Nobody changes `sgt`, whose list has as many entries as it says: none.
    let (cpu, dma) = unsafe { (CpuTable::from_raw(&sgt), DmaTable::from_raw(&sgt)) };
    check(cpu.cpu_pages(), &[]);
    check(dma.dma_pages(), &[]);
    check(Lockstep::new(cpu, dma), &[]);
    assert!(List::alloc(0, gfp::Gfp).is_err());
}

#[test]
fn walks_go_on_in_other_tasks() {
    let table = tables(40).last().unwrap();
    let pieces: Vec<_> = table.lockstep().collect();
    let mut walk = table.lockstep();
    let first = walk.next();
    std::thread::scope(|scope| {
        let other = walk.clone();
        let other = scope.spawn(move || first.into_iter().chain(other).collect::<Vec<_>>());
        assert_eq!(first.into_iter().chain(walk).collect::<Vec<_>>(), pieces);
        assert_eq!(other.join().unwrap(), pieces);
    });
}

/// The entry that libFuzzer calls.
#[cfg(fuzzing)]
#[no_mangle]
extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, len: usize) -> i32 {
    // SAFETY: libFuzzer gives as many bytes, and keeps them until this returns.
    let mut input = Input(unsafe { core::slice::from_raw_parts(data, len) });
    let table = Table::random(&mut input, 8);
    check_cpu_pages(&table);
    check_dma_pages(&table);
    check_dma_runs(&table);
    check_lockstep(&table);
    check_pieces(&Table::random(&mut input, 3));
    0
}

// What the files take from the kernel.

mod bindings {
    /// Of the kernel's size, so that pointers to it have room for the marks.
    #[repr(C, align(64))]
    pub struct page([u8; 64]);

    #[repr(C)]
    #[derive(Clone, Default)]
    pub struct scatterlist {
        pub page_link: usize,
        pub offset: u32,
        pub length: u32,
        pub dma_address: u64,
        pub dma_length: u32,
        pub dma_flags: u32,
    }

    #[repr(C)]
    pub struct sg_table {
        pub sgl: *mut scatterlist,
        pub nents: u32,
        pub orig_nents: u32,
    }

    impl Default for sg_table {
        fn default() -> Self {
            let sgl = core::ptr::null_mut();
            let (nents, orig_nents) = (0, 0);
            Self {
                sgl,
                nents,
                orig_nents,
            }
        }
    }

    /// Entries in an array, of which the last one may be a chain. Few, so that there are chains.
    const ARRAY: usize = 4;

    /// Of just the size needed: what is read behind it, the checker sees.
    fn array(entries: usize) -> *mut scatterlist {
        let mut this = vec![scatterlist::default(); entries.min(ARRAY)];
        this.last_mut().unwrap().page_link = match entries > ARRAY {
            true => array(entries - (ARRAY - 1)) as usize | 1,
            false => 2,
        };
        Box::into_raw(this.into_boxed_slice()).cast()
    }

    unsafe fn free(this: *mut scatterlist, entries: usize) {
        let this = core::ptr::slice_from_raw_parts_mut(this, entries.min(ARRAY));
        // SAFETY: Made by `array()` of so many entries.
        let this = unsafe { Box::from_raw(this) };
        if entries > ARRAY {
            let next = (this[ARRAY - 1].page_link & !1) as *mut scatterlist;
            // SAFETY: As above.
            unsafe { free(next, entries - (ARRAY - 1)) };
        }
    }

    pub unsafe fn sg_alloc_table(sgt: *mut sg_table, orig_nents: u32, _gfp: ()) -> i32 {
        let (sgl, nents) = (array(orig_nents as usize), orig_nents);
        // SAFETY: Promised by the caller.
        unsafe {
            *sgt = sg_table {
                sgl,
                nents,
                orig_nents,
            }
        };
        0
    }

    pub unsafe fn sg_free_table(sgt: *mut sg_table) {
        // SAFETY: Promised by the caller.
        unsafe { free((*sgt).sgl, (*sgt).orig_nents as usize) };
    }
}

mod dma {
    pub type DmaAddress = u64;
}

mod error {
    pub fn to_result(status: i32) -> crate::prelude::Result {
        assert_eq!(status, 0);
        Ok(())
    }
}

mod gfp {
    pub struct Gfp;

    impl Gfp {
        pub fn for_lists(self) {}
    }
}

mod page {
    pub const PAGE_SHIFT: usize = 4;
    /// Small: the models count bytes.
    pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
}

mod prelude {
    #[derive(Debug)]
    pub struct Error(i32);
    pub type Result<T = (), E = Error> = core::result::Result<T, E>;
    pub const EINVAL: Error = Error(22);
    pub const ERANGE: Error = Error(34);
}
