// SPDX-License-Identifier: GPL-2.0

//! Aligned blocks: whether runs can be described by them, and ranges cut at them.
//!
//! No kernel call in here: the same file is compiled and tested on the host.

use crate::walk::run::Run;

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

/// A part of a byte range that lies in one block.
pub(crate) struct BlockPart {
    /// The number of the block.
    pub(crate) block: usize,
    /// The first byte in the block.
    pub(crate) offset: usize,
    /// The length in bytes; never zero.
    pub(crate) len: usize,
}

/// Cuts the byte range `offset .. offset + len` at multiples of `size`.
///
/// The range must not wrap; a caller checks it against its buffer first.
pub(crate) fn block_parts(
    offset: usize,
    len: usize,
    size: usize,
) -> impl Iterator<Item = BlockPart> {
    let end = offset + len;
    let mut pos = offset;
    core::iter::from_fn(move || {
        if pos == end {
            return None;
        }
        let part = BlockPart {
            block: pos / size,
            offset: pos % size,
            len: (size - pos % size).min(end - pos),
        };
        pos += part.len;
        Some(part)
    })
}
