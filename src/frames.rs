// SPDX-License-Identifier: GPL-2.0

//! Pure arithmetic of runs of addresses and the frames that cover them.
//!
//! No kernel call in here: the same file is compiled and tested on the host.

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

/// The addresses of the frames of `1 << shift` bytes that cover a [`Run`], in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    next: u64,
    left: u64,
    shift: u32,
}

impl Frames {
    /// The frames that hold at least one byte of `run`; none if it is empty.
    ///
    /// The run must not wrap around the end of the address space.
    #[inline]
    pub(crate) const fn cover(run: Run, shift: u32) -> Self {
        let first = run.addr >> shift;
        let left = match run.len {
            0 => 0,
            len => (run.addr.saturating_add(len - 1) >> shift) - first + 1,
        };
        Self {
            next: first << shift,
            left,
            shift,
        }
    }

    /// No frame at all.
    pub(crate) const EMPTY: Self = Self {
        next: 0,
        left: 0,
        shift: 0,
    };

    /// Drops up to `n` frames; how many of the `n` there were not.
    #[inline]
    fn drop_front(&mut self, n: u64) -> u64 {
        let dropped = n.min(self.left);
        self.left -= dropped;
        self.next = self.next.wrapping_add(dropped << self.shift);
        n - dropped
    }
}

impl Iterator for Frames {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let frame = self.next;
        // Wraps only behind the last frame of the address space, when nothing is left.
        self.next = frame.wrapping_add(1 << self.shift);
        Some(frame)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match usize::try_from(self.left) {
            Ok(left) => (left, Some(left)),
            Err(_) => (usize::MAX, None),
        }
    }
}

impl core::iter::FusedIterator for Frames {}

/// The frames of run after run.
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
}

impl<I: Iterator<Item = Run>> Iterator for FrameWalk<I> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Some(frame);
            }
            self.frames = Frames::cover(self.runs.next()?, self.shift);
        }
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<u64> {
        let mut left = n as u64;
        loop {
            left = self.frames.drop_front(left);
            if let Some(frame) = self.frames.next() {
                return Some(frame);
            }
            self.frames = Frames::cover(self.runs.next()?, self.shift);
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, u64) -> B>(self, init: B, mut f: F) -> B {
        let shift = self.shift;
        let acc = self.frames.fold(init, &mut f);
        self.runs
            .fold(acc, |acc, run| Frames::cover(run, shift).fold(acc, &mut f))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (now, _) = self.frames.size_hint();
        let upper = match self.runs.size_hint() {
            (_, Some(0)) => Some(now),
            _ => None,
        };
        (now, upper)
    }
}

/// Runs, with those that continue their neighbour made one; empty ones are left out.
#[derive(Clone, Debug)]
pub(crate) struct Coalesce<I> {
    runs: I,
    ahead: Option<Run>,
}

impl<I: Iterator<Item = Run>> Coalesce<I> {
    #[inline]
    pub(crate) fn new(runs: I) -> Self {
        Self { runs, ahead: None }
    }
}

impl<I: Iterator<Item = Run>> Iterator for Coalesce<I> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        let mut run = self.ahead.take();
        for next in self.runs.by_ref() {
            match &mut run {
                _ if next.len == 0 => {}
                None => run = Some(next),
                // Does not wrap: runs end within the address space, and this one goes on.
                Some(run) if run.addr.wrapping_add(run.len) == next.addr => run.len += next.len,
                Some(_) => {
                    self.ahead = Some(next);
                    break;
                }
            }
        }
        run
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (_, upper) = self.runs.size_hint();
        let ahead = usize::from(self.ahead.is_some());
        (ahead, upper.and_then(|upper| upper.checked_add(ahead)))
    }
}

/// Whether `runs`, which must be coalesced, can be told by blocks of `size` bytes: only the first
/// block may begin before its run does, and only the last one end after.
pub(crate) fn fit_blocks(runs: impl Iterator<Item = Run>, size: u64) -> bool {
    let mut runs = runs.peekable();
    let mut first = true;
    while let Some(run) = runs.next() {
        let starts = first || run.addr % size == 0;
        let ends = runs.peek().is_none() || run.addr.wrapping_add(run.len) % size == 0;
        if !starts || !ends {
            return false;
        }
        first = false;
    }
    true
}

/// Joins pages, given by their addresses, to segments of at most `max_len` bytes that do not cross
/// `boundary`, a mask; gives the number of pages of each, in order.
///
/// `max_len` must be at least a page; the last page may be cut short later, which makes no
/// segment longer.
pub(crate) fn segments(
    pages: impl Iterator<Item = u64>,
    page_size: u64,
    max_len: u64,
    boundary: u64,
) -> impl Iterator<Item = usize> {
    let mut pages = pages.peekable();
    core::iter::from_fn(move || {
        let mut run = Run {
            addr: pages.next()?,
            len: page_size,
        };
        let mut count = 1;
        while let Some(next) = pages.peek() {
            let longer = Run {
                len: run.len + page_size,
                ..run
            };
            if *next != run.addr + run.len || longer.len > max_len || !longer.within(boundary) {
                break;
            }
            run = longer;
            count += 1;
            pages.next();
        }
        Some(count)
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
