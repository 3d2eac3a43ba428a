// SPDX-License-Identifier: GPL-2.0

//! Cutting: where one segment of a buffer ends and the next one begins.
//!
//! [`segments`] joins neighbouring pages to a segment as long as the limits allow, and then begins
//! the next segment. It computes with physical addresses only.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

use crate::walk::run::Run;
use core::ops::Range;

/// Limits of a segment's length and place.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The longest segment, in bytes; not zero.
    pub(crate) max_len: u64,
    /// A mask, one less than a power of two. No segment crosses a multiple of `boundary + 1`.
    pub(crate) boundary: u64,
}

/// Returns the segments of a buffer within `limits`, as runs of physical addresses.
///
/// - `pages` yields the physical address of each page, of `page_size` bytes.
/// - `bytes` is the buffer: a range of bytes in these pages, which begins in the first one.
/// - `straight` returns how many bytes of a run, from its beginning on, the device finds at one
///   offset. A segment is not longer than that.
///
/// `max_len` cuts segments only where pages end. If `max_len` is less than a page, it cuts them at
/// multiples of the largest power of two within `max_len`, so that most segments begin at an
/// aligned address.
///
/// The segments end early if there are too few pages.
pub(crate) fn segments(
    pages: impl Iterator<Item = u64>,
    page_size: u64,
    bytes: Range<u64>,
    limits: Limits,
    straight: impl Fn(Run) -> u64,
) -> impl Iterator<Item = Run> {
    // The alignment of cuts that `max_len`, which is not zero, makes.
    let grain = page_size.min(1 << limits.max_len.checked_ilog2().unwrap_or(0));
    let mut pages = pages.peekable();
    let (mut offset, mut left) = (bytes.start, bytes.end - bytes.start);
    // Neighbouring bytes that have been read from `pages` and are in no segment yet.
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
        // The room for this segment: up to `max_len`, rounded down, or to the next boundary.
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
