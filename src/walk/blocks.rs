// SPDX-License-Identifier: GPL-2.0

//! Blocks: aligned frames of a size that a device chooses.
//!
//! A device with pages of 64 KiB or 2 MiB needs fewer slots for a buffer than one with pages of 4
//! KiB. But a block must hold nothing but the buffer between its first and its last byte: the runs
//! have to meet at multiples of the size. [`fit_blocks`] checks one size, [`best_block_size`] finds
//! the best of several. [`block_parts`] cuts a range of bytes at multiples of a size.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

use crate::walk::run::Run;

/// A way in which blocks describe the runs of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Runs meet only at multiples of the size, so their blocks follow one another.
    Apart,
    /// Runs that continue one another have to be joined first.
    Joined,
}

/// Returns how blocks of `size` bytes, a power of two, describe `runs`, or `None` if they cannot.
///
/// They can if each run begins and ends at a multiple of `size`. Three places are exempt: the
/// beginning of the first run, the end of the last run, and a place where a run continues the one
/// before.
#[inline]
pub(crate) fn fit_blocks(runs: impl Iterator<Item = Run> + Clone, size: u64) -> Option<Fit> {
    let end_of = |run: Run| run.addr.wrapping_add(run.len);
    let is_multiple = |addr: u64| addr & (size - 1) == 0;

    // The bits of all addresses where runs meet. Most buffers need no closer look.
    let mut rest = runs.clone();
    let (mut bits, mut end) = (0, rest.next().map_or(0, end_of));
    for run in rest {
        bits |= end | run.addr;
        end = end_of(run);
    }
    if is_multiple(bits) {
        return Some(Fit::Apart);
    }

    let mut runs = runs.filter(|run| run.len > 0);
    let mut end = runs.next().map_or(0, end_of);
    for run in runs {
        if end != run.addr && !is_multiple(end | run.addr) {
            return None;
        }
        end = end_of(run);
    }
    Some(Fit::Joined)
}

/// Returns the best size of blocks that describe `runs` to a device, or `None` if no size fits.
///
/// That is the largest size that fits, but none larger than the smallest that makes `runs` one
/// block.
///
/// - `runs` must be coalesced.
/// - `sizes` has a bit for each size that the device supports: bit 12 for 4096 bytes.
/// - `va` is the address at which the device's users find the first byte.
///
/// A size fits if each byte lies at the same offset in its block by its device address, counted
/// from `va`, as by its bus address. The device then replaces only the upper bits of an address,
/// and runs meet where blocks do.
pub(crate) fn best_block_size(runs: impl Iterator<Item = Run>, sizes: u64, va: u64) -> Option<u64> {
    // A size fits if no bit below the size's own is set in here. See the loop for what sets bits.
    let (mut bits, mut len) = (0u64, 0u64);
    for run in runs {
        // The device address of the run. A block must have the same offset at both addresses, and
        // must begin here unless this is the first run.
        let at = va.wrapping_add(len);
        bits |= at ^ run.addr;
        if len > 0 {
            bits |= at;
        }
        len = len.checked_add(run.len)?;
    }
    let last = va.checked_add(len.checked_sub(1)?)?;
    // One block of `1 << all` bytes holds everything, so larger sizes need not be considered: the
    // bit of the smallest such size excludes them.
    let all = u64::BITS - (va ^ last).leading_zeros();
    bits |= sizes & u64::MAX.checked_shl(all).unwrap_or(0);
    // The second operand has the lowest bit of `bits`, and all bits below.
    let fitting = sizes & (bits ^ bits.wrapping_sub(1));
    (fitting != 0).then(|| 1 << fitting.ilog2())
}

/// A part of a range of bytes that lies in one block.
pub(crate) struct BlockPart {
    /// The number of the block, counted from zero.
    pub(crate) block: usize,
    /// The offset of the first byte in the block.
    pub(crate) offset: usize,
    /// The length in bytes; never zero.
    pub(crate) len: usize,
}

/// Cuts the bytes `offset..offset + len` at multiples of `size`.
///
/// The caller checks that `offset + len` does not wrap.
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
