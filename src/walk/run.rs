// SPDX-License-Identifier: GPL-2.0

//! Runs: contiguous ranges of addresses.
//!
//! A mapped entry is a run of bus addresses, a segment one of physical addresses. [`Coalesce`]
//! joins runs that follow one another without a gap.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

/// A run of bus addresses: `sg_dma_address()` and `sg_dma_len()` of one mapped entry, or of
/// several that follow one another without a gap.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, Run, SgTable, ToDevice};
/// fn end(run: Run) -> u64 {
///     run.addr + run.len
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let buffer = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// let next = buffer.dma_runs().skip(1);
/// assert!(buffer.dma_runs().zip(next).all(|(run, next)| end(run) != next.addr));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The address of the first byte.
    #[doc(alias = "sg_dma_address")]
    pub addr: u64,
    /// The length in bytes.
    #[doc(alias = "sg_dma_len")]
    pub len: u64,
}

impl Run {
    /// Returns `true` if the run does not cross a multiple of `boundary + 1`, a power of two.
    pub(crate) const fn within(&self, boundary: u64) -> bool {
        self.len == 0 || (self.addr & boundary).saturating_add(self.len - 1) <= boundary
    }
}

/// An iterator over runs that can also stop before a run.
///
/// # Safety
///
/// [`next_while`](Self::next_while) calls `take` at most `most` times.
pub(crate) unsafe trait Runs: Iterator<Item = Run> + Clone {
    /// Calls `take` on up to `most` runs, and stops at the first for which `take` returns `false`.
    ///
    /// The iterator then continues with that run.
    #[inline]
    fn next_while(&mut self, most: usize, take: impl FnMut(Run) -> bool) {
        one_by_one(self, most, take);
    }
}

/// Does what [`Runs::next_while`] says, for any iterator.
#[inline]
fn one_by_one<I: Iterator<Item = Run> + Clone>(
    runs: &mut I,
    most: usize,
    mut take: impl FnMut(Run) -> bool,
) {
    for _ in 0..most {
        let before = runs.clone();
        if !runs.next().is_some_and(&mut take) {
            *runs = before;
            break;
        }
    }
}

/// The runs of another iterator, joined where one begins at the end of the one before. Empty runs
/// are left out.
///
/// For a reader to whom joined runs make no difference, it may also be the runs as they are.
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub(crate) struct Coalesce<I> {
    runs: I,
    /// False if the runs are yielded as they are.
    joins: bool,
    /// The next run, as far as `runs` has been read. It is not empty. `None` if nothing is joined.
    ahead: Option<Run>,
}

impl<I: Iterator<Item = Run>> Coalesce<I> {
    /// Joins `runs`.
    #[inline]
    pub(crate) fn new(mut runs: I) -> Self {
        let ahead = runs.find(|run| run.len > 0);
        Self {
            runs,
            joins: true,
            ahead,
        }
    }

    /// Takes `runs` as they are.
    #[inline]
    pub(crate) fn none(runs: I) -> Self {
        Self {
            runs,
            joins: false,
            ahead: None,
        }
    }
}

impl<I: Iterator<Item = Run>> Iterator for Coalesce<I> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        if !self.joins {
            return self.runs.next();
        }
        let mut run = self.ahead.take()?;
        for next in self.runs.by_ref() {
            // The sum wraps only to zero, for a run at the end of the address space. No memory of
            // a device continues beyond that end, at address zero.
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

// SAFETY: `next_while()` is that of `runs`, or `one_by_one()`, whose loop has at most `most` rounds
// with one call of `take` each.
unsafe impl<I: Runs> Runs for Coalesce<I> {
    #[inline]
    fn next_while(&mut self, most: usize, take: impl FnMut(Run) -> bool) {
        if self.joins {
            one_by_one(self, most, take);
        } else {
            self.runs.next_while(most, take);
        }
    }
}
