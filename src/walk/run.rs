// SPDX-License-Identifier: GPL-2.0

//! Runs of addresses.
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
