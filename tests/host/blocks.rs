// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of blocks (`src/walk/blocks.rs`), against models that look at each byte.

// The included files have more than is used here.
#![allow(dead_code)]

extern crate self as kernel;

#[path = "kernel/mod.rs"]
mod mock;
mod model;
#[path = "../../src/walk/mod.rs"]
mod walk;

use mock::*;
use model::{
    bytes,
    frames_by_bytes,
    run_lists, //
};
use walk::{
    blocks::{
        best_block_size,
        block_parts,
        fit_blocks,
        BlockPart,
        Fit, //
    },
    frames::FrameWalk,
    run::{
        Coalesce,
        Run, //
    }, //
};

#[test]
fn parts_are_the_range_cut_at_blocks() {
    for size in 1..6 {
        for offset in 0..20 {
            for len in 0..20 {
                let mut bytes = Vec::new();
                for BlockPart { block, offset, len } in block_parts(offset, len, size) {
                    assert!(len > 0 && offset + len <= size);
                    bytes.extend((offset..offset + len).map(|i| block * size + i));
                }
                assert!(bytes.into_iter().eq(offset..offset + len));
            }
        }
    }
}

#[test]
fn blocks_fit_if_none_inside_holds_foreign_bytes() {
    for runs in run_lists() {
        let joined: Vec<Run> = Coalesce::new(runs.iter().copied()).collect();
        for size in [1u64, 2, 4, 8] {
            // A device knows the blocks, the offset of the buffer in the first one, and its length.
            // They fit if these bytes are the buffer.
            let blocks: Vec<u64> = joined
                .iter()
                .flat_map(|run| frames_by_bytes(run, size))
                .collect();
            let start = joined.first().map_or(0, |run| run.addr % size) as usize;
            let told: Vec<u64> = blocks
                .iter()
                .flat_map(|&block| block..block + size)
                .skip(start)
                .take(bytes(&joined).len())
                .collect();
            let right = told == bytes(&joined);
            let fit = fit_blocks(runs.iter().copied(), size);
            assert_eq!(fit.is_some(), right, "{runs:?}, blocks of {size}");
            // Without joining, the walk is the same.
            if fit == Some(Fit::Apart) {
                let apart = Coalesce::none(runs.iter().copied());
                let walk = FrameWalk::new(apart, size.ilog2());
                assert_eq!(
                    walk.collect::<Vec<_>>(),
                    blocks,
                    "{runs:?}, blocks of {size}"
                );
            }
        }
    }
}

/// Returns true if blocks of `size` bytes can describe the buffer at device address `va`.
///
/// Then the bytes in one block of the device's addresses are in one block on the bus, each at the
/// same offset.
fn blocks_tell(bytes: &[u64], size: u64, va: u64) -> bool {
    let block = |i: usize| (va + i as u64) / size;
    let place = |i: usize| (va + i as u64) % size;
    let start = |i: usize| bytes[i].checked_sub(place(i));
    (0..bytes.len()).all(|i| {
        start(i).is_some_and(|start| start % size == 0)
            && (0..i).all(|j| block(i) != block(j) || start(i) == start(j))
    })
}

#[test]
fn the_best_blocks_are_the_largest_that_tell_the_buffer_but_for_one_that_is_too_large() {
    let sizes: Vec<u64> = (0..16).chain([20, 32, 48, 1 << 63]).collect();
    for runs in run_lists() {
        let joined: Vec<Run> = Coalesce::new(runs.iter().copied()).collect();
        let bytes = bytes(&joined);
        for va in [0, 1, 3, 4, 8, 9, 12, 16, 20] {
            let blocks = |size: u64| (va + bytes.len() as u64 - 1) / size - va / size + 1;
            let mut all: Vec<u64> = [0, 1, 2, 3, 4, 5, 63].map(|bit| 1 << bit).into();
            all.retain(|&size| !bytes.is_empty() && blocks_tell(&bytes, size, va));
            for &sizes in &sizes {
                let mut telling = all.iter().copied().filter(|size| sizes & size != 0);
                let one = telling.clone().find(|&size| blocks(size) == 1);
                let expected = one.or_else(|| telling.next_back());
                let got = best_block_size(joined.iter().copied(), sizes, va);
                assert_eq!(got, expected, "{joined:?} at {va}, sizes {sizes:#x}");

                // The walk of such blocks begins at the offset of the device's address.
                let Some(size) = got else { continue };
                assert!(fit_blocks(joined.iter().copied(), size).is_some());
                assert_eq!(joined[0].addr % size, va % size);
                let walk = FrameWalk::new(joined.iter().copied(), size.ilog2());
                assert_eq!(walk.count() as u64, blocks(size));
            }
        }
    }
}

#[test]
fn best_blocks_of_large_buffers() {
    const SIZES: u64 = 4 << 10 | 64 << 10 | 2 << 20 | 1 << 30;
    let run = |addr, len| Run { addr, len };
    let best = |runs: &[Run], va| best_block_size(runs.iter().copied(), SIZES, va);
    // The address and `va` agree in their lower bits.
    let huge = [run(6 << 20, 8 << 20)];
    assert_eq!(best(&huge, 4 << 20), Some(2 << 20));
    assert_eq!(best(&huge, 0x7f00_0001_0000), Some(64 << 10));
    assert_eq!(best(&huge, 0x7f00_0000_1000), Some(4 << 10));
    assert_eq!(best(&huge, 0x7f00_0000_1001), None);
    // The buffer starts inside a page, and inside a block.
    assert_eq!(best(&[run(0x20_1234, 8 << 20)], 0x40_1234), Some(2 << 20));
    // The smallest size that makes the buffer one block wins, if there is one.
    assert_eq!(best(&[run(1 << 30, 0x1000)], 1 << 30), Some(4 << 10));
    assert_eq!(best(&[run(1 << 30, 0x1001)], 1 << 30), Some(64 << 10));
    assert_eq!(best(&[run(1 << 30, 1 << 34)], 1 << 30), Some(1 << 30));
    // Runs meet between two blocks, or inside one.
    let two = |len| [run(2 << 20, len), run(6 << 20, 2 << 20)];
    assert_eq!(best(&two(2 << 20), 0), Some(2 << 20));
    assert_eq!(best(&two(0x1f_0000), 0), Some(64 << 10));
    assert_eq!(best(&two(0x1_8800), 0), None);
    assert_eq!(
        best(&[run(2 << 20, 0x1000), run(0x60_1000, 2 << 20)], 0),
        Some(4 << 10)
    );
    // The buffer ends where the addresses do, or behind that.
    let last = [run(0x1000, 0x1000)];
    assert_eq!(best(&last, u64::MAX - 0xfff), Some(4 << 10));
    assert_eq!(best(&[run(0x1000, 0x1001)], u64::MAX - 0xfff), None);
    assert_eq!(best(&[], 0), None);
}
