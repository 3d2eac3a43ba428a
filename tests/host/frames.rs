// SPDX-License-Identifier: GPL-2.0

//! Tests of `src/frames.rs` on the host, against models that count byte by byte.

#[path = "../../src/frames.rs"]
mod frames;

use frames::{
    best_block_size,
    fit_blocks,
    pieces,
    segments,
    Coalesce,
    FrameWalk,
    Limits,
    Run,
    Runs, //
};

// SAFETY: As provided.
unsafe impl Runs for std::iter::Copied<std::slice::Iter<'_, Run>> {}

/// The frames of one run.
fn frames_of(run: Run, shift: u32) -> impl Iterator<Item = u64> {
    FrameWalk::new(std::iter::once(run), shift)
}

/// The frames that hold a byte of the run, found by looking at every byte.
fn frames_by_bytes(run: Run, shift: u32) -> Vec<u64> {
    let mut frames: Vec<u64> = (0..run.len)
        .map(|i| (run.addr + i) >> shift << shift)
        .collect();
    frames.dedup();
    frames
}

#[test]
fn frames_cover_every_byte_and_no_more() {
    for shift in 0..4 {
        for addr in 0..40 {
            for len in 0..40 {
                let run = Run { addr, len };
                let got = frames_of(run, shift);
                let expected = frames_by_bytes(run, shift);
                assert_eq!(
                    got.collect::<Vec<_>>(),
                    expected,
                    "{run:?}, frames of {}",
                    1 << shift
                );
            }
        }
    }
}

#[test]
fn frames_reach_the_end_of_the_address_space() {
    let run = Run {
        addr: u64::MAX - 0x1fff,
        len: 0x2000,
    };
    let frames: Vec<u64> = frames_of(run, 12).collect();
    assert_eq!(frames, [u64::MAX - 0x1fff, u64::MAX - 0xfff]);
}

#[test]
fn frames_of_a_huge_run_are_counted_at_once() {
    let run = Run {
        addr: 0x1234_5678,
        len: 64 << 30,
    };
    let last = 64 << 30 >> 12;
    assert!(frames_of(run, 12).nth(last).is_some());
    assert_eq!(frames_of(run, 12).nth(last + 1), None);
}

#[test]
fn exhausted_frames_stay_exhausted() {
    let mut frames = frames_of(Run { addr: 5, len: 1 }, 2);
    assert_eq!(frames.next(), Some(4));
    assert_eq!((frames.next(), frames.next()), (None, None));
}

#[test]
fn runs_within_a_boundary() {
    for mask in [0, 1, 7, 15] {
        for addr in 0..40 {
            for len in 0..40 {
                let run = Run { addr, len };
                let crosses = (0..len).any(|i| (addr + i) & !mask != addr & !mask);
                assert_eq!(run.within(mask), !crosses, "{run:?}, mask {mask}");
            }
        }
    }
    let all = Run {
        addr: 0,
        len: u64::MAX,
    };
    assert!(all.within(u64::MAX));
}

#[test]
fn pieces_are_the_range_cut_at_blocks() {
    for size in 1..6 {
        for offset in 0..20 {
            for len in 0..20 {
                let mut bytes = Vec::new();
                for (block, start, n) in pieces(offset, len, size) {
                    assert!(n > 0 && start + n <= size);
                    bytes.extend((start..start + n).map(|i| block * size + i));
                }
                assert!(bytes.into_iter().eq(offset..offset + len));
            }
        }
    }
}

/// Whether byte `end` of the address space may be in the segment that begins at `start`.
fn may_go_on(start: u64, end: u64, limits: Limits, border: u64) -> bool {
    end - start < limits.max_len
        && start & !limits.boundary == end & !limits.boundary
        && (start < border) == (end < border)
}

/// Checks the segments for `bytes` of `pages`: they are those bytes in order, within the limits, on
/// one side of `border`; cut no more often, nor at odder places, than they must be.
fn check_segments(
    pages: &[u64],
    size: u64,
    bytes: std::ops::Range<u64>,
    limits: Limits,
    border: u64,
) {
    let straight = |run: Run| match run.addr < border {
        true => run.len.min(border - run.addr),
        false => run.len,
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
        // Ends and page borders are enough to look at: between them addresses go on.
        let inside = (at / size + 1..=(at + run.len - 1) / size).map(|page| page * size);
        for byte in [at, at + run.len - 1].into_iter().chain(inside) {
            assert_eq!(address(byte), run.addr + (byte - at), "{what}");
        }
        assert!(
            may_go_on(run.addr, run.addr + run.len - 1, limits, border),
            "{what}"
        );
        at += run.len;

        // The next one begins where this must end, or where a page does, or halves of one do.
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

        // Who goes by the entries has each page once: one that begins inside a page leaves out the
        // page that it begins in, but for the first entry.
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
    // Every pattern of five pages of eight bytes, each following its neighbour or not.
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
            // As hardware has them: of 9 bits, of 16 less a sector, of all there are.
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
    // 16 bits of length, with pages of 64 KiB: halves of them; with those of 4 KiB, fifteen pages.
    assert_eq!(lens(64 * k, 0..128 * k, 0xffff, none), [32 * k; 4]);
    assert_eq!(lens(4 * k, 0..16 * k, 0xffff, none), [16 * k]);
    assert_eq!(lens(16 * k, 0..64 * k, 0xffff, none), [48 * k, 16 * k]);
    // 4 KiB with pages of 16 KiB, from inside the first one on.
    assert_eq!(lens(16 * k, 100..8 * k, 4 * k, none), [4 * k - 100, 4 * k]);
    assert_eq!(lens(4 * k, 0..1025, 512, none), [512, 512, 1]);
    assert_eq!(lens(4 * k, 0..1025, none, 511), [512, 512, 1]);
    // Too few pages.
    assert_eq!(lens(4 * k, 0..20 * k, none, none), [16 * k]);
}

/// Lists of up to three runs with small addresses and lengths, empty ones among them.
fn run_lists() -> Vec<Vec<Run>> {
    let runs: Vec<Run> = [0, 3, 4, 8, 9, 12]
        .into_iter()
        .flat_map(|addr| [0, 1, 4, 5].map(|len| Run { addr, len }))
        .collect();
    let mut lists = vec![vec![]];
    for &a in &runs {
        lists.push(vec![a]);
        for &b in &runs {
            lists.push(vec![a, b]);
            lists.extend(runs.iter().map(|&c| vec![a, b, c]));
        }
    }
    lists
}

fn bytes(runs: &[Run]) -> Vec<u64> {
    runs.iter()
        .flat_map(|run| run.addr..run.addr + run.len)
        .collect()
}

#[test]
fn walks_go_frame_by_frame_however_they_are_used() {
    for runs in run_lists() {
        for shift in [0, 2, 3] {
            let walk = || FrameWalk::new(runs.iter().copied(), shift);
            let expected: Vec<u64> = runs
                .iter()
                .flat_map(|&run| frames_by_bytes(run, shift))
                .collect();
            assert_eq!(walk().collect::<Vec<_>>(), expected, "{runs:?}");
            let mut folded = Vec::new();
            walk().for_each(|frame| folded.push(frame));
            assert_eq!(folded, expected, "{runs:?}");
            for skip in 0..=expected.len() + 1 {
                let rest = expected.get(skip..).unwrap_or(&[]);
                assert_eq!(walk().skip(skip).collect::<Vec<_>>(), rest, "{runs:?}");
                let mut halfway = walk();
                for _ in 0..skip {
                    halfway.next();
                }
                let (least, most) = halfway.size_hint();
                assert!(least <= rest.len() && most.is_none_or(|most| most >= rest.len()));
                let mut folded = Vec::new();
                halfway.clone().for_each(|frame| folded.push(frame));
                assert_eq!(folded, rest, "{runs:?}");
            }
        }
    }
}

/// Lists with runs of equal length in a row, on frames of 4 bytes: those that are filled in a loop of
/// their own, and what may come between.
fn lists_of_equal_runs() -> impl Iterator<Item = Vec<Run>> {
    let lens = [1, 2, 4, 16, 17].map(|frames| frames * 4);
    let odd = [(0, 0), (1, 4), (0, 3), (2, 62), (0, 64)];
    lens.into_iter().flat_map(move |len| {
        lens.into_iter().flat_map(move |other| {
            odd.into_iter().map(move |(offset, odd)| {
                let lens = [len, len, len, odd, other, other, odd, len, len];
                (0..)
                    .zip(lens)
                    .map(|(i, len)| Run {
                        addr: i * 1000 + if len == odd { offset } else { 0 },
                        len,
                    })
                    .collect()
            })
        })
    })
}

#[test]
fn slots_are_filled_in_order_in_as_many_calls_as_it_takes() {
    for runs in lists_of_equal_runs() {
        let expected: Vec<u64> = runs
            .iter()
            .flat_map(|&run| frames_by_bytes(run, 2))
            .collect();
        for n in [1, 2, 3, 4, 7, 16, 33, expected.len(), expected.len() + 1] {
            for by in 0..3 {
                let mut walk = FrameWalk::new(runs.iter().copied(), 2);
                let mut got = Vec::new();
                loop {
                    let mut slots = vec![u64::MAX; n];
                    // By either, or by turns.
                    let filled = if by == 0 || by == 2 && got.len() % 2 == 0 {
                        walk.fill(&mut slots, |frame| frame)
                    } else {
                        let pairs = walk.zip_runs(&mut slots).flatten();
                        pairs.map(|(frame, slot)| *slot = frame).count()
                    };
                    assert!(slots[filled..].iter().all(|slot| *slot == u64::MAX));
                    got.extend(&slots[..filled]);
                    if filled < n {
                        break;
                    }
                    // What comes next comes next.
                    got.extend(walk.next());
                }
                assert_eq!(got, expected, "{n} slots at a time, {runs:?}");
                assert_eq!(walk.fill(&mut [0; 3], |frame| frame), 0);
            }
        }
    }
}

#[test]
fn coalesced_runs_are_the_same_bytes_in_as_few_runs_as_can_be() {
    for runs in run_lists() {
        let joined: Vec<Run> = Coalesce::new(runs.iter().copied()).collect();
        assert_eq!(bytes(&joined), bytes(&runs));
        assert!(joined.iter().all(|run| run.len > 0), "{runs:?}");
        let apart = |pair: &[Run]| pair[0].addr + pair[0].len != pair[1].addr;
        assert!(joined.windows(2).all(apart), "{runs:?}");
        let (_, most) = Coalesce::new(runs.iter().copied()).size_hint();
        assert!(most.unwrap() >= joined.len());
    }
}

#[test]
fn blocks_fit_if_none_inside_holds_foreign_bytes() {
    for runs in run_lists() {
        let joined: Vec<Run> = Coalesce::new(runs.iter().copied()).collect();
        for size in [1u64, 2, 4, 8] {
            // The buffer, told by its blocks and its place in the first, is all of their bytes from
            // there on, as many as it has.
            let blocks: Vec<u64> = joined
                .iter()
                .flat_map(|&run| frames_by_bytes(run, size.ilog2()))
                .collect();
            let start = joined.first().map_or(0, |run| run.addr % size) as usize;
            let told: Vec<u64> = blocks
                .iter()
                .flat_map(|&block| block..block + size)
                .skip(start)
                .take(bytes(&joined).len())
                .collect();
            let right = told == bytes(&joined);
            let fits = fit_blocks(joined.iter().copied(), size);
            assert_eq!(fits, right, "{joined:?}, blocks of {size}");
        }
    }
}

/// Whether the buffer, at `va` and on, is told by blocks of `size` bytes: all of its bytes in one
/// block of the device's addresses are in one on the bus, each at its place.
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

                // The walk of such blocks begins where the device's address says.
                let Some(size) = got else { continue };
                assert!(fit_blocks(joined.iter().copied(), size));
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
    // What the addresses have in common.
    let huge = [run(6 << 20, 8 << 20)];
    assert_eq!(best(&huge, 4 << 20), Some(2 << 20));
    assert_eq!(best(&huge, 0x7f00_0001_0000), Some(64 << 10));
    assert_eq!(best(&huge, 0x7f00_0000_1000), Some(4 << 10));
    assert_eq!(best(&huge, 0x7f00_0000_1001), None);
    // A start in the middle of a page, and of a block.
    assert_eq!(best(&[run(0x20_1234, 8 << 20)], 0x40_1234), Some(2 << 20));
    // No larger than makes it one block, if that is there.
    assert_eq!(best(&[run(1 << 30, 0x1000)], 1 << 30), Some(4 << 10));
    assert_eq!(best(&[run(1 << 30, 0x1001)], 1 << 30), Some(64 << 10));
    assert_eq!(best(&[run(1 << 30, 1 << 34)], 1 << 30), Some(1 << 30));
    // Runs that meet where blocks do, and where they do not.
    let two = |len| [run(2 << 20, len), run(6 << 20, 2 << 20)];
    assert_eq!(best(&two(2 << 20), 0), Some(2 << 20));
    assert_eq!(best(&two(0x1f_0000), 0), Some(64 << 10));
    assert_eq!(best(&two(0x1_8800), 0), None);
    assert_eq!(
        best(&[run(2 << 20, 0x1000), run(0x60_1000, 2 << 20)], 0),
        Some(4 << 10)
    );
    // The ends of the addresses.
    let last = [run(0x1000, 0x1000)];
    assert_eq!(best(&last, u64::MAX - 0xfff), Some(4 << 10));
    assert_eq!(best(&[run(0x1000, 0x1001)], u64::MAX - 0xfff), None);
    assert_eq!(best(&[], 0), None);
}
