// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of extents (`src/walk/extents.rs`), against a model that looks at each unit.
//!
//! With `--cfg=fuzzing`, this is a target of libFuzzer, which then chooses what happens.

#![cfg_attr(fuzzing, no_main)]
// A fuzzer has no tests, and the tests have no fuzzer. The included files have more than is used.
#![allow(dead_code, unused_imports)]

extern crate self as kernel;

mod choose;
#[path = "kernel/mod.rs"]
mod mock;
#[path = "../../src/walk/mod.rs"]
mod walk;

use choose::{
    random::Random,
    Choose,
    Input, //
};
use mock::*;
use walk::extents::{
    index_of,
    joined,
    place_of,
    Extent,
    Linked,
    Misfit, //
};

impl Linked for Extent {
    fn extent(&self) -> Extent {
        *self
    }
}

const UNIT: usize = 16;

/// A range with what is linked in it, and the first unit of what is linked in each unit.
struct Model {
    size: usize,
    linked: Vec<Extent>,
    units: Vec<Option<usize>>,
    unsynced: Extent,
    dirty: Vec<bool>,
}

impl Model {
    fn new(size: usize) -> Self {
        let units = size.div_ceil(UNIT);
        Self {
            size,
            linked: Vec::new(),
            units: vec![None; units],
            unsynced: Extent::default(),
            dirty: vec![false; units],
        }
    }

    /// Returns what is right for `len` bytes at `offset`: the units, or what is wrong.
    fn right(&self, offset: usize, len: usize) -> Result<core::ops::Range<usize>, Misfit> {
        if offset % UNIT != 0 || len == 0 {
            return Err(Misfit::Unaligned);
        }
        if offset as u128 + len as u128 > self.size as u128 {
            return Err(Misfit::Beyond);
        }
        let units = offset / UNIT..(offset + len).div_ceil(UNIT);
        if self.units[units.clone()].iter().any(Option::is_some) {
            return Err(Misfit::Overlap);
        }
        Ok(units)
    }

    fn link(&mut self, offset: usize, len: usize) {
        let right = self.right(offset, len);
        match place_of(&self.linked, self.size, UNIT, offset, len) {
            Ok((at, extent)) => {
                let units = right.unwrap();
                assert_eq!(extent.start, offset);
                assert_eq!(extent.end, units.end * UNIT);
                self.linked.insert(at, extent);
                self.unsynced.stretch_over(extent);
                for unit in units.clone() {
                    self.units[unit] = Some(units.start);
                    self.dirty[unit] = true;
                }
            }
            Err(misfit) => assert_eq!(Err(misfit), right),
        }
    }

    fn unlink(&mut self, offset: usize) {
        let unit = offset / UNIT;
        let begins = offset % UNIT == 0 && self.units.get(unit) == Some(&Some(unit));
        let at = index_of(&self.linked, offset);
        assert_eq!(at.is_some(), begins);
        if let Some(at) = at {
            self.linked.remove(at);
            for owner in self.units.iter_mut().filter(|owner| **owner == Some(unit)) {
                *owner = None;
            }
        }
    }

    fn step(&mut self, input: &mut impl Choose) {
        // Mostly right, and sometimes not of whole units or beyond the end.
        let mut number = |most: usize| {
            let units = input.below(most / UNIT + 2) * UNIT;
            match input.below(8) {
                0 => units + input.below(UNIT),
                1 if input.below(16) == 0 => usize::MAX - input.below(2 * UNIT),
                _ => units,
            }
        };
        let (offset, len) = (number(self.size), number(5 * UNIT));
        match input.below(8) {
            0..=4 => self.link(offset, len),
            5..=6 => self.unlink(offset),
            _ => {
                self.unsynced = Extent::default();
                self.dirty.fill(false);
            }
        }
    }

    /// Compares all with the units.
    fn check(&self) {
        // The starts are in order, and each unit is linked once.
        assert!(self.linked.windows(2).all(|two| two[0].end <= two[1].start));
        let units: usize = self.linked.iter().map(|extent| extent.len() / UNIT).sum();
        assert_eq!(units, self.units.iter().flatten().count());
        // Runs cover just the units that are linked, and end where one is not.
        let mut seen = vec![false; self.units.len()];
        let mut last = None;
        for run in joined(self.linked.iter().copied()) {
            assert!(!run.is_empty() && last < Some(run.start));
            seen[run.start / UNIT..run.end / UNIT].fill(true);
            last = Some(run.end);
        }
        assert!(self.units.iter().map(Option::is_some).eq(seen));
        // What was not synchronised lies between the ends.
        let first = self.dirty.iter().position(|dirty| *dirty);
        let end = self.dirty.iter().rposition(|dirty| *dirty);
        let right = match (first, end) {
            (Some(first), Some(last)) => Extent {
                start: first * UNIT,
                end: (last + 1) * UNIT,
            },
            _ => Extent::default(),
        };
        assert_eq!(self.unsynced, right);
    }
}

/// The number of ranges that a test makes; few under Miri, which is slow.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 10_000 };
const STEPS: usize = 200;

#[test]
fn what_is_linked_is_what_was_linked() {
    assert!(cfg!(miri) || ROUNDS * STEPS >= 1_000_000);
    let mut random = Random::new(1);
    let mut full = 0;
    for _ in 0..ROUNDS {
        let mut model = Model::new(1 + Choose::below(&mut random, 20 * UNIT));
        let mut filled = false;
        for _ in 0..STEPS {
            model.step(&mut random);
            model.check();
            filled |= model.units.iter().all(Option::is_some);
        }
        full += usize::from(filled);
    }
    assert!(full > ROUNDS / 20, "few ranges were filled: {full}");
}

#[test]
fn the_ends_of_all_numbers() {
    let place = |size, offset, len| place_of::<Extent>(&[], size, UNIT, offset, len);
    assert_eq!(
        place(100, 96, 4),
        Ok((
            0,
            Extent {
                start: 96,
                end: 112
            }
        ))
    );
    assert_eq!(place(100, 96, 5), Err(Misfit::Beyond));
    assert_eq!(place(100, 112, 1), Err(Misfit::Beyond));
    assert_eq!(place(100, usize::MAX - 15, 16), Err(Misfit::Beyond));
    assert_eq!(place(100, 16, usize::MAX), Err(Misfit::Beyond));
    let most = isize::MAX as usize;
    assert_eq!(place(most, most - 15, 16), Err(Misfit::Beyond));
    assert_eq!(
        place(most, most - 15, 15).map(|(_, extent)| extent.end),
        Ok(most + 1)
    );
    assert_eq!(place(100, 0, 0), Err(Misfit::Unaligned));
    assert_eq!(place(100, 1, 1), Err(Misfit::Unaligned));
}

/// Does what `data` chooses. libFuzzer calls this.
#[cfg(fuzzing)]
#[no_mangle]
extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, len: usize) -> i32 {
    // SAFETY: libFuzzer passes `len` valid bytes, and keeps them unchanged until this returns.
    let mut input = Input(unsafe { core::slice::from_raw_parts(data, len) });
    let mut model = Model::new(1 + input.below(20 * UNIT));
    while !input.0.is_empty() {
        model.step(&mut input);
        model.check();
    }
    0
}
