// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of a domain's addresses (`src/domain/ranges.rs`), against a model that has a
//! flag for each granule.

// The included files have more than is used here.
#![allow(dead_code)]

#[path = "choose/mod.rs"]
mod choose;
#[path = "../../src/domain/ranges.rs"]
mod ranges;

use choose::{
    random::Random,
    Choose,
    Input, //
};
use ranges::{
    conflict,
    find,
    place,
    Aperture,
    Refusal,
    Span, //
};

const TOP: u64 = u64::MAX;

/// The state of a granule.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    Free,
    Outside,
    Reserved,
    Mapped,
}

/// A small address space at `base`, a granule at a time.
struct Model {
    base: u64,
    granule: u64,
    is: Vec<Is>,
}

impl Model {
    /// Returns the answer to a range of `len` granules from granule `first` on.
    fn place(&self, first: usize, len: usize) -> Option<Refusal> {
        let range = &self.is[first..first + len];
        if len == 0 {
            Some(Refusal::NoRange)
        } else if self.base == 0 && first == 0 {
            Some(Refusal::Zero)
        } else if range.contains(&Is::Outside) {
            Some(Refusal::Beyond)
        } else if range.contains(&Is::Reserved) {
            Some(Refusal::Reserved)
        } else if range.contains(&Is::Mapped) {
            Some(Refusal::Mapped)
        } else {
            None
        }
    }

    fn set(&mut self, first: usize, len: usize, is: Is) {
        self.is[first..first + len].fill(is);
    }
}

/// Runs random calls on an address space and on its model.
fn run(choose: &mut impl Choose, rounds: usize) {
    const GRANULES: usize = 48;
    let granule = [4096, 16384, 65536][choose.below(3)];
    let bases = [0, 1 << 32, TOP - (GRANULES as u64 * granule - 1)];
    let base = bases[choose.below(3)];
    let span = |first: usize, len: usize| Span {
        first: base + first as u64 * granule,
        last: base + (first as u64 * granule + (len as u64 * granule - 1)),
    };
    let mut model = Model {
        base,
        granule,
        is: vec![Is::Free; GRANULES],
    };

    let (low, high) = (choose.below(8), GRANULES - choose.below(8));
    model.set(0, low, Is::Outside);
    model.set(high, GRANULES - high, Is::Outside);
    let mut windows = Vec::new();
    for _ in 0..choose.below(4) {
        let (first, len) = (choose.below(GRANULES - 4), 1 + choose.below(4));
        // A window may begin and end anywhere in its first and its last granule.
        let Span {
            first: start,
            last: end,
        } = span(first, len);
        let inner = [0, 1, granule / 2, granule - 1];
        windows.push(Span {
            first: start + inner[choose.below(if len > 1 { 4 } else { 1 })],
            last: end - inner[choose.below(4)],
        });
        for granule in first..first + len {
            if model.is[granule] == Is::Free {
                model.is[granule] = Is::Reserved;
            }
        }
    }
    let aperture = Aperture {
        span: span(low, high - low),
        granule,
    };

    let mut mapped: Vec<Span> = Vec::new();
    for _ in 0..rounds {
        let first = choose.below(GRANULES);
        let len = choose.below((GRANULES - first + 1).min(9));
        let (addr, bytes) = (base + first as u64 * granule, len as u64 * granule);
        match choose.below(4) {
            0 if !mapped.is_empty() => {
                let gone = mapped.remove(choose.below(mapped.len()));
                let first = ((gone.first - base) / granule) as usize;
                let len = ((gone.last - gone.first) / granule + 1) as usize;
                model.set(first, len, Is::Free);
            }
            1 if len > 0 => {
                let found = find(aperture, &windows, &mapped, bytes);
                // A free range of that length at each aligned place would have done, too.
                let align = (1 << bytes.ilog2()).clamp(granule, (2 << 20).max(granule));
                let expected = (0..GRANULES - len + 1).find(|first| {
                    (base + *first as u64 * granule) % align == 0
                        && model.place(*first, len).is_none()
                });
                let expected = expected.map(|first| base + first as u64 * granule);
                assert_eq!(found.map(|(addr, _)| addr), expected);
                if let Some((addr, at)) = found {
                    assert_eq!(place(aperture, &windows, &mapped, addr, bytes), Ok(at));
                    let first = ((addr - base) / granule) as usize;
                    mapped.insert(at, span(first, len));
                    model.set(first, len, Is::Mapped);
                }
            }
            2 => {
                let odd = 1 + choose.below(granule as usize - 1) as u64;
                if let Some(addr) = addr.checked_add(odd) {
                    let refused = place(aperture, &windows, &mapped, addr, granule);
                    let end = addr.checked_add(granule - 1);
                    let why = end.map_or(Refusal::NoRange, |_| Refusal::Unaligned);
                    assert_eq!(refused, Err(why));
                }
                if model.base > 0 || first > 0 {
                    let refused = place(aperture, &windows, &mapped, addr, odd);
                    assert_eq!(refused, Err(Refusal::Unaligned));
                }
            }
            _ => match place(aperture, &windows, &mapped, addr, bytes) {
                Ok(at) => {
                    assert_eq!(model.place(first, len), None);
                    mapped.insert(at, span(first, len));
                    model.set(first, len, Is::Mapped);
                }
                Err(why) => assert_eq!(model.place(first, len), Some(why)),
            },
        }
        assert!(mapped.windows(2).all(|pair| pair[0].last < pair[1].first));
        assert_eq!(conflict(aperture.span, &windows, &mapped), None);
        let all = |is| model.is.iter().filter(|other| **other == is).count() as u64;
        let bytes: u64 = mapped
            .iter()
            .map(|range| range.last - range.first + 1)
            .sum();
        assert_eq!(all(Is::Mapped) * model.granule, bytes);
    }

    // Each new window, and each smaller aperture, is at odds with just what the model says.
    let window = span(choose.below(GRANULES - 4), 4);
    let meets = |range: &&Span| range.first <= window.last && window.first <= range.last;
    let expected = mapped.iter().find(meets).copied();
    assert_eq!(conflict(aperture.span, &[window], &mapped), expected);
    let outside = |range: &&Span| range.first < window.first || range.last > window.last;
    let expected = mapped.iter().find(outside).copied();
    assert_eq!(conflict(window, &[], &mapped), expected);
}

#[test]
fn random_programs_do_what_a_model_does() {
    for seed in 0..2000 {
        run(&mut Random::new(seed), 100);
    }
}

#[test]
fn a_program_of_bytes_does_what_a_model_does() {
    // As a fuzzer would have it: the same byte again and again, too.
    for byte in 0..=255 {
        run(&mut Input(&[byte; 300]), 60);
    }
}

#[test]
fn ends_of_the_address_space_are_addresses() {
    let aperture = Aperture {
        span: Span {
            first: 0,
            last: TOP,
        },
        granule: 4096,
    };
    assert_eq!(place(aperture, &[], &[], 0, 4096), Err(Refusal::Zero));
    assert_eq!(place(aperture, &[], &[], 4096, 0), Err(Refusal::NoRange));
    assert_eq!(place(aperture, &[], &[], TOP - 4095, 4096), Ok(0));
    assert_eq!(
        place(aperture, &[], &[], TOP - 4095, 8192),
        Err(Refusal::NoRange)
    );
    assert_eq!(find(aperture, &[], &[], 4096), Some((4096, 0)));
    assert_eq!(find(aperture, &[], &[], 5 << 20), Some((2 << 20, 0)));
    assert_eq!(find(aperture, &[], &[], 0), None);
    let all_but_0 = [Span {
        first: 4096,
        last: TOP,
    }];
    assert_eq!(find(aperture, &[], &all_but_0, 4096), None);
    assert_eq!(find(aperture, &all_but_0, &[], 4096), None);
}
