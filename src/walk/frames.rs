// SPDX-License-Identifier: GPL-2.0

//! The frames that cover runs of addresses.
//!
//! No kernel call in here: the same file is compiled and tested on the host.

use crate::walk::run::{
    Run,
    Runs, //
};

/// Frames in a row that are still to come: the address of the first, and how many.
///
/// Of which size they are is the walk's to know, once for all of them.
#[derive(Clone, Debug)]
struct Frames {
    next: u64,
    left: u64,
}

impl Frames {
    /// No frame at all.
    const EMPTY: Self = Self { next: 0, left: 0 };

    /// The frames of `1 << shift` bytes that hold at least one byte of `run`; none if it is empty.
    ///
    /// The run must not wrap around the end of the address space, nor be longer than a list can
    /// tell, which is half of it.
    #[inline]
    const fn cover(run: Run, shift: u32) -> Self {
        let last = (1 << shift) - 1;
        let offset = run.addr & last;
        Self {
            next: run.addr & !last,
            left: match run.len {
                0 => 0,
                len => offset.wrapping_add(len).wrapping_add(last) >> shift,
            },
        }
    }

    /// Drops up to `n` frames; how many of the `n` there were not.
    #[inline]
    fn drop_front(&mut self, n: u64, shift: u32) -> u64 {
        let dropped = n.min(self.left);
        self.left -= dropped;
        // Wraps only behind the last frame of the address space, when nothing is left.
        self.next = self.next.wrapping_add(dropped << shift);
        n - dropped
    }

    /// The next frames, as many as there are and as there are `slots`, each beside one; and the
    /// slots that are left.
    #[inline]
    fn beside<'s, T>(&mut self, slots: &'s mut [T], shift: u32) -> (ZipRun<'s, T>, &'s mut [T]) {
        let next = self.next;
        let n = match usize::try_from(self.left) {
            Ok(left) if left <= slots.len() => {
                *self = Self::EMPTY;
                left
            }
            _ => {
                self.drop_front(slots.len() as u64, shift);
                slots.len()
            }
        };
        let (slots, rest) = slots.split_at_mut(n);
        let zip = ZipRun {
            next,
            size: 1 << shift,
            slots,
        };
        (zip, rest)
    }
}

/// The frames of `1 << shift` bytes of run after run, by their addresses.
///
/// Going to the next frame takes constant time, and so does skipping a run's: `nth` (and with it
/// `skip`, which is how a walk starts at an offset) goes run by run, and `fold` (and with it
/// `for_each`, `count` and the like) has a plain counted loop for each.
#[derive(Clone, Debug)]
pub(crate) struct FrameWalk<I> {
    runs: I,
    frames: Frames,
    shift: u32,
}

impl<I: Iterator<Item = Run>> FrameWalk<I> {
    #[inline]
    pub(crate) fn new(runs: I, shift: u32) -> Self {
        Self {
            runs,
            frames: Frames::EMPTY,
            shift,
        }
    }

    /// Goes on to the next run that has a frame, if those of the last one are through.
    #[inline]
    fn next_run(&mut self) -> Option<()> {
        while self.frames.left == 0 {
            self.frames = Frames::cover(self.runs.next()?, self.shift);
        }
        Some(())
    }
}

impl<I: Iterator<Item = Run>> Iterator for FrameWalk<I> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.next_run()?;
        let frame = self.frames.next;
        self.frames.next = frame.wrapping_add(1 << self.shift);
        self.frames.left -= 1;
        Some(frame)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<u64> {
        let mut left = n as u64;
        loop {
            left = self.frames.drop_front(left, self.shift);
            if left == 0 {
                return self.next();
            }
            self.next_run()?;
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, u64) -> B>(self, init: B, mut f: F) -> B {
        let shift = self.shift;
        let mut walk = |mut acc, mut frames: Frames| {
            while frames.left > 0 {
                acc = f(acc, frames.next);
                frames.drop_front(1, shift);
            }
            acc
        };
        let acc = walk(init, self.frames);
        self.runs
            .fold(acc, |acc, run| walk(acc, Frames::cover(run, shift)))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.frames.left);
        let upper = match self.runs.size_hint() {
            (_, Some(0)) => left.ok(),
            _ => None,
        };
        (left.unwrap_or(usize::MAX), upper)
    }
}

impl<I: Runs> FrameWalk<I> {
    /// The next frames, run by run, each beside one of `slots`.
    #[inline]
    pub(crate) fn zip_runs<'w, 's, T>(&'w mut self, slots: &'s mut [T]) -> ZipRuns<'w, 's, I, T> {
        ZipRuns { walk: self, slots }
    }

    /// Sets `slots` to what `encode` makes of the next frames; how many of them.
    #[inline]
    pub(crate) fn fill<T>(&mut self, slots: &mut [T], mut encode: impl FnMut(u64) -> T) -> usize {
        let all = slots.len();
        let mut rest = slots;
        loop {
            let run;
            (run, rest) = self.frames.beside(rest, self.shift);
            let frames = run.slots.len();
            for (frame, slot) in run {
                *slot = encode(frame);
            }
            // Most tables are of runs of one length. These are those of single pages, and of the blocks
            // that large folios and page tables come in: a loop each, without another inside.
            rest = match frames {
                1 => self.fill_alike::<1, T>(rest, &mut encode),
                4 => self.fill_alike::<4, T>(rest, &mut encode),
                16 => self.fill_alike::<16, T>(rest, &mut encode),
                _ => rest,
            };
            if rest.is_empty() {
                break;
            }
            match self.runs.next() {
                Some(run) => self.frames = Frames::cover(run, self.shift),
                None => break,
            }
        }
        all - rest.len()
    }

    /// [`fill`](Self::fill) for the next runs, as long as each is just `N` frames; the slots that are left.
    #[inline]
    fn fill_alike<'s, const N: usize, T>(
        &mut self,
        slots: &'s mut [T],
        encode: &mut impl FnMut(u64) -> T,
    ) -> &'s mut [T] {
        let (size, len) = (1 << self.shift, (N as u64) << self.shift);
        let mut filled = 0;
        self.runs.next_while(slots.len() / N, |run| {
            if run.len != len || run.addr & (size - 1) != 0 {
                return false;
            }
            let mut frame = run.addr;
            // SAFETY: There are `N` slots for each time this is called, by the safety requirement of
            // `Runs`.
            for slot in unsafe { slots.get_unchecked_mut(filled..filled + N) } {
                *slot = encode(frame);
                frame = frame.wrapping_add(size);
            }
            filled += N;
            true
        });
        &mut slots[filled..]
    }
}

/// The addresses of a walk beside as many slots, run by run.
///
/// See [`DmaPages::zip_runs`](crate::DmaPages::zip_runs).
pub struct ZipRuns<'w, 's, I, T> {
    walk: &'w mut FrameWalk<I>,
    slots: &'s mut [T],
}

impl<'s, I: Iterator<Item = Run>, T> Iterator for ZipRuns<'_, 's, I, T> {
    type Item = ZipRun<'s, T>;

    #[inline]
    fn next(&mut self) -> Option<ZipRun<'s, T>> {
        if self.slots.is_empty() {
            return None;
        }
        let shift = self.walk.shift;
        if self.walk.frames.left == 0 {
            self.walk.frames = Frames::cover(self.walk.runs.next()?, shift);
        }
        let (run, rest) = self
            .walk
            .frames
            .beside(core::mem::take(&mut self.slots), shift);
        self.slots = rest;
        Some(run)
    }
}

impl<I: Iterator<Item = Run>, T> core::iter::FusedIterator for ZipRuns<'_, '_, I, T> {}

/// The addresses of one run, each beside its slot.
///
/// See [`DmaPages::zip_runs`](crate::DmaPages::zip_runs).
pub struct ZipRun<'s, T> {
    next: u64,
    size: u64,
    slots: &'s mut [T],
}

impl<'s, T> Iterator for ZipRun<'s, T> {
    type Item = (u64, &'s mut T);

    #[inline]
    fn next(&mut self) -> Option<(u64, &'s mut T)> {
        let (slot, rest) = core::mem::take(&mut self.slots).split_first_mut()?;
        self.slots = rest;
        let frame = self.next;
        // Wraps only behind the last frame of the address space, when no slot is left.
        self.next = frame.wrapping_add(self.size);
        Some((frame, slot))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.slots.len(), Some(self.slots.len()))
    }
}

impl<T> ExactSizeIterator for ZipRun<'_, T> {}
impl<T> core::iter::FusedIterator for ZipRun<'_, T> {}
