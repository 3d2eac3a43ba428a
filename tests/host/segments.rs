// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of how a buffer is cut into segments (`src/table/cut.rs`).

// The included files have more than is used here.
#![allow(dead_code)]

extern crate self as kernel;

#[path = "../../src/table/cut.rs"]
mod cut;
#[path = "kernel/mod.rs"]
mod mock;
#[path = "../../src/walk/mod.rs"]
mod walk;

use cut::{
    segments,
    Limits, //
};
use mock::*;
use walk::run::Run;

/// Returns true if the segment that begins at `start` may include the byte at address `end`.
fn may_go_on(start: u64, end: u64, limits: Limits, border: u64) -> bool {
    end - start < limits.max_len
        && start & !limits.boundary == end & !limits.boundary
        && (start < border) == (end < border)
}

/// Checks the segments for `bytes` of `pages`.
///
/// They are those bytes in order, keep to the limits, and do not cross `border`. They are cut as
/// seldom as possible, and inside pages only where nothing else is allowed.
fn check_segments(
    pages: &[u64],
    size: u64,
    bytes: std::ops::Range<u64>,
    limits: Limits,
    border: u64,
) {
    let straight = |run: Run| {
        if run.addr < border {
            run.len.min(border - run.addr)
        } else {
            run.len
        }
    };
    let what = format!(
        "{bytes:?} of {pages:x?} of {size}, max {}, boundary {:#x}, border {border:#x}",
        limits.max_len, limits.boundary
    );
    let got: Vec<Run> =
        segments(pages.iter().copied(), size, bytes.clone(), limits, straight).collect();
    let address = |byte: u64| pages[(byte / size) as usize] + byte % size;

    let (mut at, mut touched) = (bytes.start, Vec::new());
    for (i, run) in got.iter().enumerate() {
        assert!(run.len > 0 && at + run.len <= bytes.end, "{what}");
        // Addresses are contiguous between the ends and the page borders, so these are enough.
        let inside = (at / size + 1..=(at + run.len - 1) / size).map(|page| page * size);
        for byte in [at, at + run.len - 1].into_iter().chain(inside) {
            assert_eq!(address(byte), run.addr + (byte - at), "{what}");
        }
        assert!(
            may_go_on(run.addr, run.addr + run.len - 1, limits, border),
            "{what}"
        );
        at += run.len;

        // The next one begins where this one has to end, or at a page, or at a half of a page.
        if at < bytes.end {
            let next = got[i + 1].addr;
            assert_eq!(next, address(at), "{what}");
            let grain = if limits.max_len >= size {
                size
            } else {
                1 << limits.max_len.ilog2()
            };
            let fits = next == run.addr + run.len
                && at % size + grain <= size
                && at + grain <= bytes.end
                && may_go_on(run.addr, next + grain - 1, limits, border);
            assert!(!fits, "{what}: {run:?} is too short");
            assert!(
                next % grain == 0 || next == border || (next & limits.boundary) == 0,
                "{what}"
            );
        }

        // By the entries, each page comes up once: an entry that begins inside a page leaves that
        // page to the entry before.
        let (first, last) = (run.addr / size, (run.addr + run.len - 1) / size);
        touched.extend(first + u64::from(i > 0 && run.addr % size > 0)..=last);
    }
    assert_eq!(at, bytes.end, "{what}");
    let last = (bytes.end - 1) / size;
    let pages: Vec<u64> = pages[..=last as usize]
        .iter()
        .map(|page| page / size)
        .collect();
    assert_eq!(touched, pages, "{what}");
}

#[test]
fn segments_are_the_bytes_cut_as_seldom_as_the_limits_allow() {
    // Of five pages of eight bytes, each follows its neighbour or does not, in every combination.
    for gaps in 0..1u32 << 5 {
        let mut at = 8;
        let pages: Vec<u64> = (0..5)
            .map(|i| {
                at += if gaps >> i & 1 == 0 { 8 } else { 24 };
                at
            })
            .collect();
        for max_len in [1, 2, 3, 4, 7, 8, 9, 16, 23, 24, 1 << 31] {
            for boundary in [1, 3, 7, 15, 31, u64::MAX] {
                for border in [0, pages[1], pages[2] + 4, pages[3] + 1, u64::MAX] {
                    for bytes in [0..40, 0..1, 0..33, 3..40, 7..9, 5..39] {
                        let limits = Limits { max_len, boundary };
                        check_segments(&pages, 8, bytes, limits, border);
                    }
                }
            }
        }
    }
}

#[test]
fn segments_for_pages_of_each_size() {
    let mut random = 1u64;
    let mut random = move |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
        (random >> 33) % below
    };
    for shift in [12, 14, 16] {
        let size = 1u64 << shift;
        for _ in 0..3000 {
            let mut at = 1 << 30;
            let pages: Vec<u64> = (0..1 + random(12))
                .map(|_| {
                    at += size * if random(4) == 0 { 1 + random(9) } else { 1 };
                    at
                })
                .collect();
            let all = pages.len() as u64 * size;
            let start = random(size);
            let bytes = start..start + 1 + random(all - start);
            // Limits of hardware: 9 bits, 16 bits less a sector, and so on up to no limit.
            let max_len = [512, 4096, 0xfe00, 0xffff, 1 << 16, (1 << 22) - 1, 1 << 31];
            let boundary = [511, 4095, 0xffff, u64::from(u32::MAX), u64::MAX];
            let limits = Limits {
                max_len: max_len[random(7) as usize],
                boundary: boundary[random(5) as usize],
            };
            let border = match random(2) {
                0 => u64::MAX,
                _ => pages[random(pages.len() as u64) as usize] + 4096 * random(size >> 12),
            };
            check_segments(&pages, size, bytes, limits, border);
        }
    }
}

#[test]
fn segments_of_lengths_that_hardware_has() {
    let pages = |size: u64| (0..4).map(move |i| (1 << 20) + i * size);
    let lens = |size, bytes, max_len, boundary| {
        let limits = Limits { max_len, boundary };
        segments(pages(size), size, bytes, limits, |run| run.len)
            .map(|run| run.len)
            .collect::<Vec<_>>()
    };
    let (k, none) = (1024, u64::MAX);
    // A length of 16 bits takes halves of pages of 64 KiB, and up to fifteen pages of 4 KiB.
    assert_eq!(lens(64 * k, 0..128 * k, 0xffff, none), [32 * k; 4]);
    assert_eq!(lens(4 * k, 0..16 * k, 0xffff, none), [16 * k]);
    assert_eq!(lens(16 * k, 0..64 * k, 0xffff, none), [48 * k, 16 * k]);
    // The limit is 4 KiB, a page has 16 KiB, and the bytes begin inside the first page.
    assert_eq!(lens(16 * k, 100..8 * k, 4 * k, none), [4 * k - 100, 4 * k]);
    assert_eq!(lens(4 * k, 0..1025, 512, none), [512, 512, 1]);
    assert_eq!(lens(4 * k, 0..1025, none, 511), [512, 512, 1]);
    // There are too few pages for the bytes.
    assert_eq!(lens(4 * k, 0..20 * k, none, none), [16 * k]);
}
