// SPDX-License-Identifier: GPL-2.0

//! How a buffer is cut into segments.
//!
//! No kernel call in here: the same file is compiled and tested on the host.

use crate::walk::run::Run;
use core::ops::Range;

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
