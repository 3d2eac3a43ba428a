// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of runs (`src/walk/run.rs`) and their frames (`src/walk/frames.rs`).

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
    frames::FrameWalk,
    run::{
        Coalesce,
        Run,
        Runs, //
    }, //
};

// SAFETY: The provided method keeps to `most`.
unsafe impl Runs for std::iter::Copied<std::slice::Iter<'_, Run>> {}

/// Returns the frames of one run.
fn frames_of(run: Run, shift: u32) -> impl Iterator<Item = u64> {
    FrameWalk::new(std::iter::once(run), shift)
}

#[test]
fn frames_cover_every_byte_and_no_more() {
    for shift in 0..4 {
        for addr in 0..40 {
            for len in 0..40 {
                let run = Run { addr, len };
                let got = frames_of(run, shift);
                let expected = frames_by_bytes(&run, 1 << shift);
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
fn walks_go_frame_by_frame_however_they_are_used() {
    for runs in run_lists() {
        for shift in [0, 2, 3] {
            let walk = || FrameWalk::new(runs.iter().copied(), shift);
            let expected: Vec<u64> = runs
                .iter()
                .flat_map(|run| frames_by_bytes(run, 1 << shift))
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

/// Returns lists with runs of equal length in a row, on frames of 4 bytes, and with other runs in
/// between.
///
/// `fill` has a loop of its own for runs of equal length.
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
            .flat_map(|run| frames_by_bytes(run, 4))
            .collect();
        for n in [1, 2, 3, 4, 7, 16, 33, expected.len(), expected.len() + 1] {
            for by in 0..3 {
                let mut walk = FrameWalk::new(runs.iter().copied(), 2);
                let mut got = Vec::new();
                loop {
                    let mut slots = vec![u64::MAX; n];
                    // One of the two ways, or each by turns.
                    let filled = if by == 0 || by == 2 && got.len() % 2 == 0 {
                        walk.fill(&mut slots[..], |frame| frame)
                    } else {
                        let pairs = walk.zip_runs(&mut slots).flatten();
                        pairs.map(|(frame, slot)| *slot = frame).count()
                    };
                    assert!(slots[filled..].iter().all(|slot| *slot == u64::MAX));
                    got.extend(&slots[..filled]);
                    if filled < n {
                        break;
                    }
                    // The walk goes on where `fill` has ended.
                    got.extend(walk.next());
                }
                assert_eq!(got, expected, "{n} slots at a time, {runs:?}");
                assert_eq!(walk.fill(&mut [0; 3][..], |frame| frame), 0);
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
