// SPDX-License-Identifier: GPL-2.0

//! Frames: aligned pieces of the address space, of one size, that cover runs.
//!
//! A page table has one slot for each page of a device. The device's pages are frames: frame number
//! `n` is the addresses from `n << shift` to `(n + 1) << shift`. A run covers each frame that holds
//! at least one byte of it. The first and the last frame may hold other bytes, too.
//!
//! [`FrameWalk`] yields the frames of run after run. It is an iterator, and has two faster ways to
//! set slots: [`FrameWalk::fill`] with an expression, [`FrameWalk::zip_runs`] with a loop for each
//! run. These inner loops have a known number of rounds, so the compiler unrolls or vectorises
//! them.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

use crate::walk::run::{
    Run,
    Runs, //
};

/// Consecutive frames that a walk has not yielded yet.
///
/// The walk stores the frame size.
#[derive(Clone, Debug)]
struct Frames {
    /// The address of the first frame.
    next: u64,
    /// The number of frames.
    left: u64,
}

impl Frames {
    /// No frames.
    const EMPTY: Self = Self { next: 0, left: 0 };

    /// Returns the frames of `1 << shift` bytes that hold at least one byte of `run`: none if `run`
    /// is empty.
    ///
    /// The run must not wrap around the end of the address space, nor be longer than half of the
    /// address space. The runs of a list are shorter: a list has fewer than 2^31 entries of fewer
    /// than 2^32 bytes.
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

    /// Skips up to `n` frames. Returns the number of frames that remain to be skipped.
    #[inline]
    fn drop_front(&mut self, n: u64, shift: u32) -> u64 {
        let dropped = n.min(self.left);
        self.left -= dropped;
        // Wraps only behind the last frame of the address space. No frame is left then.
        self.next = self.next.wrapping_add(dropped << shift);
        n - dropped
    }

    /// Takes the next frames, at most `most`. Returns the first one, and their number.
    #[inline]
    fn take(&mut self, most: usize, shift: u32) -> (u64, usize) {
        let next = self.next;
        let n = match usize::try_from(self.left) {
            Ok(left) if left <= most => {
                *self = Self::EMPTY;
                left
            }
            _ => {
                self.drop_front(most as u64, shift);
                most
            }
        };
        (next, n)
    }
}

/// Places that a walk sets, one after another: a slice, or words that a device sees.
pub trait Slots: Sized {
    /// The type of a slot.
    type Slot;

    /// Returns the number of slots.
    fn len(&self) -> usize;

    /// Returns the slots from number `n` on. `n` is at most `len()`.
    fn skip(self, n: usize) -> Self;

    /// Sets `n` slots, from number `first` on, to what `next` returns for each.
    ///
    /// # Safety
    ///
    /// `first + n` is at most `len()`.
    unsafe fn set(&mut self, first: usize, n: usize, next: impl FnMut() -> Self::Slot);
}

impl<T> Slots for &mut [T] {
    type Slot = T;

    #[inline]
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    #[inline]
    fn skip(self, n: usize) -> Self {
        &mut self[n..]
    }

    #[inline]
    unsafe fn set(&mut self, first: usize, n: usize, mut next: impl FnMut() -> T) {
        // SAFETY: `first + n` is at most the length, as the caller promises.
        for slot in unsafe { self.get_unchecked_mut(first..first + n) } {
            *slot = next();
        }
    }
}

/// A walk over the frames of `1 << shift` bytes that cover run after run. It yields addresses.
///
/// The step to the next frame takes constant time. `nth` takes constant time for each run that it
/// skips; `skip`, by which a walk starts at an offset, uses `nth`. `fold` has a plain counted loop
/// for each run; `for_each` and `count` use `fold`.
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub(crate) struct FrameWalk<I> {
    /// The runs after the current one.
    runs: I,
    /// The frames of the current run that the walk has not yielded.
    frames: Frames,
    shift: u32,
}

impl<I: Iterator<Item = Run>> FrameWalk<I> {
    /// Walks over the frames of `1 << shift` bytes that cover `runs`.
    #[inline]
    pub(crate) fn new(runs: I, shift: u32) -> Self {
        Self {
            runs,
            frames: Frames::EMPTY,
            shift,
        }
    }

    /// Goes on to the next run that has a frame, if no frame of the current run is left. Returns
    /// `None` if there is no such run.
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
    /// Returns the next frames, each beside one of `slots`, with an iterator for each run.
    #[inline]
    pub(crate) fn zip_runs<'w, 's, T>(&'w mut self, slots: &'s mut [T]) -> ZipRuns<'w, 's, I, T> {
        ZipRuns { walk: self, slots }
    }

    /// Sets each slot to `encode(frame)`, for the next frames. Returns the number of slots set,
    /// which is less than `slots.len()` only if the walk has ended.
    #[inline]
    pub(crate) fn fill<S: Slots>(
        &mut self,
        slots: S,
        mut encode: impl FnMut(u64) -> S::Slot,
    ) -> usize {
        let all = slots.len();
        let mut rest = slots;
        loop {
            let (frame, frames) = self.frames.take(rest.len(), self.shift);
            // SAFETY: `take()` returns at most as many frames as there are slots.
            unsafe { rest.set(0, frames, count_up(frame, self.shift, &mut encode)) };
            rest = rest.skip(frames);
            // In most tables all runs have one length. The lengths here are those of single pages,
            // and of the blocks that large folios and page tables consist of. `fill_alike` has a
            // single loop for each, without an inner loop of unknown length.
            rest = match frames {
                1 => self.fill_alike::<1, S>(rest, &mut encode),
                4 => self.fill_alike::<4, S>(rest, &mut encode),
                16 => self.fill_alike::<16, S>(rest, &mut encode),
                _ => rest,
            };
            if rest.len() == 0 {
                break;
            }
            match self.runs.next() {
                Some(run) => self.frames = Frames::cover(run, self.shift),
                None => break,
            }
        }
        all - rest.len()
    }

    /// Fills `slots` for the next runs, and stops at the first run that is not exactly `N` frames.
    /// Returns the slots that are left.
    #[inline]
    fn fill_alike<const N: usize, S: Slots>(
        &mut self,
        mut slots: S,
        encode: &mut impl FnMut(u64) -> S::Slot,
    ) -> S {
        let shift = self.shift;
        let (size, len) = (1 << shift, (N as u64) << shift);
        let mut filled = 0;
        self.runs.next_while(slots.len() / N, |run| {
            if run.len != len || run.addr & (size - 1) != 0 {
                return false;
            }
            // SAFETY: `filled + N <= slots.len()`: by the safety requirement of `Runs` there are at
            // most `slots.len() / N` calls of this closure, and each adds `N` to `filled`.
            unsafe { slots.set(filled, N, count_up(run.addr, shift, encode)) };
            filled += N;
            true
        });
        slots.skip(filled)
    }
}

/// Returns a function that encodes `frame` at the first call, and the next one at each later call.
#[inline]
fn count_up<'e, T>(
    mut frame: u64,
    shift: u32,
    encode: &'e mut impl FnMut(u64) -> T,
) -> impl FnMut() -> T + 'e {
    move || {
        let this = frame;
        // Wraps only behind the last frame of the address space. No slot is left then.
        frame = frame.wrapping_add(1 << shift);
        encode(this)
    }
}

/// An iterator over runs. It yields a [`ZipRun`] for each: the addresses of that run beside slots.
///
/// [`DmaPages::zip_runs`](crate::DmaPages::zip_runs) returns it.
#[must_use = "iterators are lazy and do nothing unless consumed"]
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
        let (next, n) = self.walk.frames.take(self.slots.len(), shift);
        let slots;
        (slots, self.slots) = core::mem::take(&mut self.slots).split_at_mut(n);
        Some(ZipRun {
            next,
            size: 1 << shift,
            slots,
        })
    }
}

impl<I: Iterator<Item = Run>, T> core::iter::FusedIterator for ZipRuns<'_, '_, I, T> {}

/// An iterator over the addresses of one run. It yields each address beside a slot.
///
/// [`DmaPages::zip_runs`](crate::DmaPages::zip_runs) returns an iterator over these.
#[must_use = "iterators are lazy and do nothing unless consumed"]
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
        // Wraps only behind the last frame of the address space. No slot is left then.
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
