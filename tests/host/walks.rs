// SPDX-License-Identifier: GPL-2.0

//! Tests of the walks on the host, against models that count byte by byte.
//!
//! The walks follow pointers, so `tests/test_host.py` also runs this under a checker of memory
//! accesses. It needs `--cfg` of `CONFIG_NEED_SG_DMA_LENGTH` and `CONFIG_NEED_SG_DMA_FLAGS`.
//!
//! With `--cfg=fuzzing`, this is a target of libFuzzer, which then chooses the tables.

// The included files have more than is used here.
#![allow(dead_code)]
#![cfg_attr(fuzzing, no_main)]
// The tests alone use some imports, and a fuzzer has no tests.
#![cfg_attr(fuzzing, allow(unused_imports))]

extern crate self as kernel;

mod choose;
#[path = "kernel/mod.rs"]
mod mock;
mod model;
mod table;
#[path = "../../src/walk/mod.rs"]
mod walk;

use mock::*;
use model::frames_by_bytes;
use page::PAGE_SIZE;
use std::fmt::Debug;
use table::{
    nth_page,
    tables,
    Table, //
};
use walk::{
    cpu::CpuTable,
    dma::DmaTable,
    list::List,
    lockstep::{
        Lockstep,
        Piece, //
    },
    run::Run, //
};

/// Of the cases of each table, one in so many is tried. Miri is slow.
const STEP: usize = if cfg!(miri) { 11 } else { 1 };

/// Checks that the walk yields these items in each way to use it: by `next`, by `nth`, by `fold`.
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

/// Checks that the pages are those up to the last byte of each entry.
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

/// Checks that the parts of each range are its bytes, cut at pages.
fn check_page_parts(table: &Table) {
    let bytes = table.cpu_bytes();
    // Tries all ranges of up to two pages, and those to the end.
    for start in (0..=bytes.len()).step_by(STEP) {
        let near = bytes.len().min(start + 2 * PAGE_SIZE);
        for end in (start..=near).step_by(STEP).chain([bytes.len()]) {
            let page = |&(i, byte): &(usize, usize)| (i, byte / PAGE_SIZE);
            let expected = bytes[start..end]
                .chunk_by(|a, b| page(a) == page(b))
                .map(|part| {
                    (
                        nth_page(page(&part[0]).1),
                        part[0].1 % PAGE_SIZE,
                        part.len(),
                    )
                });
            let parts = table.cpu().page_parts(start..end);
            let parts = parts.map(|part| (part.page, part.offset, part.len));
            assert!(parts.eq(expected), "{start}..{end}");
        }
    }
}

#[test]
fn parts_of_every_range_are_its_bytes_cut_at_pages() {
    tables(6)
        .take(40)
        .for_each(|table| check_page_parts(&table));
}

/// Checks that the pages are those that hold a byte of a run, run by run.
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

/// Checks that the runs are the segments, joined, and that the blocks are those of the runs.
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

/// Checks that each byte is beside its bus address.
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
    // SAFETY: Both counts are zero, so that the list need not be there, and nobody changes `sgt`.
    let (cpu, dma) = unsafe { (CpuTable::from_raw(&sgt), DmaTable::from_raw(&sgt)) };
    check(cpu.cpu_pages(), &[]);
    check(dma.dma_pages(), &[]);
    check(Lockstep::new(cpu, dma), &[]);
    assert!(List::alloc(0, base::gfp::Gfp).is_err());
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

/// Checks the tables that `data` chooses. libFuzzer calls this.
#[cfg(fuzzing)]
#[no_mangle]
extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, len: usize) -> i32 {
    // SAFETY: libFuzzer passes `len` valid bytes, and keeps them unchanged until this returns.
    let mut input = choose::Input(unsafe { core::slice::from_raw_parts(data, len) });
    let table = Table::random(&mut input, 8);
    check_cpu_pages(&table);
    check_dma_pages(&table);
    check_dma_runs(&table);
    check_lockstep(&table);
    check_page_parts(&Table::random(&mut input, 3));
    0
}
