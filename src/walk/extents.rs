// SPDX-License-Identifier: GPL-2.0

//! Extents: the parts of a range that something is linked in.
//!
//! A range of addresses is reserved once, and then linked part by part, in any order. Linking a
//! part twice, or unlinking one that is not linked, would be a mistake that the kernel finds too
//! late. So what is linked is kept in order, and each change is looked up here first.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

use crate::walk::run::{
    Coalesce,
    Run, //
};

/// A part of a range, in bytes from the range's first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: usize,
    /// The end: the first byte behind it.
    pub(crate) end: usize,
}

impl Extent {
    pub(crate) const fn len(self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Lengthens the extent until it holds `other`, too. An empty one becomes `other`.
    pub(crate) fn stretch_over(&mut self, other: Self) {
        *self = if self.is_empty() {
            other
        } else {
            Self {
                start: self.start.min(other.start),
                end: self.end.max(other.end),
            }
        };
    }
}

/// A value that is linked in an extent.
pub(crate) trait Linked {
    /// Returns the extent, which is not empty.
    fn extent(&self) -> Extent;
}

/// The reason why nothing can be linked in a part of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// The part does not begin at a multiple of the unit, or has no bytes.
    Unaligned,
    /// The part ends beyond the end of the range.
    Beyond,
    /// Something is linked in the same units.
    Overlap,
}

/// Returns the extent of `len` bytes from `offset` on in a range of `size` bytes, and the index at
/// which a value that is linked there keeps `linked` in order.
///
/// Extents consist of whole units: of `unit` bytes each, a power of two. `size` is at most
/// `isize::MAX`.
pub(crate) fn place_of<T: Linked>(
    linked: &[T],
    size: usize,
    unit: usize,
    offset: usize,
    len: usize,
) -> Result<(usize, Extent), Misfit> {
    if offset & (unit - 1) != 0 || len == 0 {
        return Err(Misfit::Unaligned);
    }
    let end = match offset.checked_add(len) {
        Some(end) if end <= size => end.next_multiple_of(unit),
        _ => return Err(Misfit::Beyond),
    };
    let index = linked.partition_point(|other| other.extent().end <= offset);
    match linked.get(index) {
        Some(next) if next.extent().start < end => Err(Misfit::Overlap),
        _ => Ok((index, Extent { start: offset, end })),
    }
}

/// Returns the index of what is linked from `offset` on.
pub(crate) fn index_of<T: Linked>(linked: &[T], offset: usize) -> Option<usize> {
    linked
        .binary_search_by_key(&offset, |value| value.extent().start)
        .ok()
}

/// Joins extents, which come in order, where one begins at the end of the one before.
pub(crate) fn joined(extents: impl Iterator<Item = Extent>) -> impl Iterator<Item = Extent> {
    let runs = extents.map(|extent| Run {
        addr: extent.start as u64,
        len: extent.len() as u64,
    });
    Coalesce::new(runs).map(|run| Extent {
        start: run.addr as usize,
        end: (run.addr + run.len) as usize,
    })
}
