// SPDX-License-Identifier: GPL-2.0

//! Pure arithmetic of runs of addresses and the frames that cover them.
//!
//! No kernel call in here: the same file is compiled and tested on the host.

use core::ops::Range;

/// A run of bus addresses: what `sg_dma_address()` and `sg_dma_len()` say of one mapped entry.
///
/// ```
/// # use sgdma::Run;
/// fn end(run: Run) -> u64 {
///     run.addr + run.len
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Address of the first byte.
    pub addr: u64,
    /// Length in bytes.
    pub len: u64,
}

impl Run {
    /// Whether the run lies within one `boundary`-aligned window; `boundary` is a mask.
    pub(crate) const fn within(&self, boundary: u64) -> bool {
        self.len == 0 || (self.addr & boundary).saturating_add(self.len - 1) <= boundary
    }
}

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

/// Runs, one after another.
///
/// # Safety
///
/// [`next_while`](Self::next_while) keeps to `most`.
pub(crate) unsafe trait Runs: Iterator<Item = Run> + Clone {
    /// Gives `take` the next runs, at most `most`, as long as it says that it took one.
    #[inline]
    fn next_while(&mut self, most: usize, mut take: impl FnMut(Run) -> bool) {
        for _ in 0..most {
            let before = self.clone();
            if !self.next().is_some_and(&mut take) {
                *self = before;
                break;
            }
        }
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

/// Runs, with those that continue their neighbour made one; empty ones are left out.
#[derive(Clone, Debug)]
pub(crate) struct Coalesce<I> {
    runs: I,
    /// The next one, as far as is known; it is not empty.
    ahead: Option<Run>,
}

impl<I: Iterator<Item = Run>> Coalesce<I> {
    #[inline]
    pub(crate) fn new(mut runs: I) -> Self {
        let ahead = runs.find(|run| run.len > 0);
        Self { runs, ahead }
    }
}

impl<I: Iterator<Item = Run>> Iterator for Coalesce<I> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        let mut run = self.ahead.take()?;
        for next in self.runs.by_ref() {
            // Does not wrap: runs end within the address space, and this one goes on.
            if run.addr.wrapping_add(run.len) == next.addr || next.len == 0 {
                run.len += next.len;
            } else {
                self.ahead = Some(next);
                break;
            }
        }
        Some(run)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (_, upper) = self.runs.size_hint();
        let ahead = usize::from(self.ahead.is_some());
        (ahead, upper.and_then(|upper| upper.checked_add(ahead)))
    }
}

// SAFETY: As provided.
unsafe impl<I: Iterator<Item = Run> + Clone> Runs for Coalesce<I> {}

/// Whether `runs` can be told by blocks of `size` bytes, a power of two: only the first block may
/// begin before its run does, and only the last one end after. Runs that continue their neighbour
/// are one.
pub(crate) fn fit_blocks(runs: impl Iterator<Item = Run>, size: u64) -> bool {
    // Where the last run has ended, if there was one.
    let mut end = None;
    for run in runs.filter(|run| run.len > 0) {
        // Both are multiples of `size`, or the same.
        if end.is_some_and(|end| end != run.addr && (end | run.addr) & (size - 1) != 0) {
            return false;
        }
        end = Some(run.addr.wrapping_add(run.len));
    }
    true
}

/// The best of `sizes`, a bit for each, for blocks that tell `runs`, which must be coalesced, at
/// device address `va` and on: the largest, but no larger than makes it one block.
///
/// The address of a byte within its block is the same there and on the bus, so that the device need
/// only exchange the upper bits, and runs meet where blocks do. None if no size is right.
pub(crate) fn best_block_size(runs: impl Iterator<Item = Run>, sizes: u64, va: u64) -> Option<u64> {
    // Ones where a block's size would be cut too short or too long.
    let (mut bits, mut len) = (0u64, 0u64);
    for run in runs {
        let at = va.wrapping_add(len);
        bits |= at ^ run.addr;
        if len > 0 {
            bits |= at;
        }
        len = len.checked_add(run.len)?;
    }
    let last = va.checked_add(len.checked_sub(1)?)?;
    // A block of this size, if it is one, holds them all, and so do larger ones.
    let all = u64::BITS - (va ^ last).leading_zeros();
    bits |= sizes & u64::MAX.checked_shl(all).unwrap_or(0);
    // Up to the lowest one, inclusive: a size is a bit that is aligned to itself.
    let fitting = sizes & (bits ^ bits.wrapping_sub(1));
    (fitting != 0).then(|| 1 << fitting.ilog2())
}

/// How long a segment may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The longest, in bytes; not zero.
    pub(crate) max_len: u64,
    /// No segment crosses a multiple of this mask plus one, a power of two.
    pub(crate) boundary: u64,
}

/// Joins the bytes `bytes` of pages, given by their addresses, to segments within `limits`; `bytes`
/// begins in the first page.
///
/// Where a page is no longer than `max_len`, segments are cut where pages end; else at multiples of
/// a power of two, so that few begin at an odd place. `straight` says how much of a segment is in
/// one piece for the device, from its beginning on.
///
/// It ends early if there are too few pages.
pub(crate) fn segments(
    pages: impl Iterator<Item = u64>,
    page_size: u64,
    bytes: Range<u64>,
    limits: Limits,
    straight: impl Fn(Run) -> u64,
) -> impl Iterator<Item = Run> {
    let grain = page_size.min(1 << limits.max_len.ilog2());
    let mut pages = pages.peekable();
    let (mut offset, mut left) = (bytes.start, bytes.end - bytes.start);
    // Neighbours that are in no segment yet.
    let mut row = Run { addr: 0, len: 0 };
    core::iter::from_fn(move || {
        if row.len == 0 && left > 0 {
            row = Run {
                addr: pages.next()? + offset,
                len: left.min(page_size - offset),
            };
            left -= row.len;
            offset = 0;
        }
        let end = row.addr.saturating_add(limits.max_len) & !(grain - 1);
        let room = end.min((row.addr | limits.boundary).saturating_add(1)) - row.addr;
        while row.len < room && left > 0 && pages.next_if_eq(&(row.addr + row.len)).is_some() {
            let more = left.min(page_size);
            row.len += more;
            left -= more;
        }
        let mut run = Run {
            len: row.len.min(room),
            ..row
        };
        if run.len == 0 {
            return None;
        }
        run.len = straight(run).clamp(1, run.len);
        row.addr += run.len;
        row.len -= run.len;
        Some(run)
    })
}

/// Cuts the byte range `offset .. offset + len` at multiples of `size`, giving for each piece the
/// number of the block, the offset in it and the length.
///
/// The range must not wrap; a caller checks it against its buffer first.
pub(crate) fn pieces(
    offset: usize,
    len: usize,
    size: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let end = offset + len;
    let mut pos = offset;
    core::iter::from_fn(move || {
        if pos == end {
            return None;
        }
        let (block, start) = (pos / size, pos % size);
        let n = (size - start).min(end - pos);
        pos += n;
        Some((block, start, n))
    })
}
