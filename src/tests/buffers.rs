// SPDX-License-Identifier: GPL-2.0

//! Buffers whose bytes are known, and limits for them.

use crate::{
    ByteBuffer,
    SegmentLimits,
    SgTable, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Limits that make each page a segment.
pub(super) const SINGLE_PAGES: SegmentLimits<'static> = SegmentLimits {
    max_size: PAGE_SIZE,
    ..SegmentLimits::NONE
};

/// Returns limits that have segments begin and end inside pages.
pub(super) fn short_limits() -> [SegmentLimits<'static>; 3] {
    let none = SegmentLimits::NONE;
    [
        SegmentLimits {
            max_size: 512,
            ..none
        },
        SegmentLimits {
            max_size: 3000,
            ..none
        },
        SegmentLimits {
            boundary: 1023,
            ..none
        },
    ]
}

/// Returns byte `i` of a pattern that repeats neither with the page nor with the segment.
pub(super) fn pattern(i: usize) -> u8 {
    (i % 251) as u8
}

/// Makes a table whose bytes are the pattern.
pub(super) fn patterned<'a>(len: usize, limits: impl Into<SegmentLimits<'a>>) -> Result<SgTable> {
    let mut table = SgTable::alloc(len, limits, GFP_KERNEL)?;
    let mut bytes = KVVec::with_capacity(len, GFP_KERNEL)?;
    for i in 0..len {
        bytes.push(pattern(i), GFP_KERNEL)?;
    }
    table.copy_from_slice(0, &bytes)?;
    Ok(table)
}

/// Returns true if the bytes of the table are the pattern.
pub(super) fn is_patterned(table: &SgTable) -> Result<bool> {
    let mut bytes = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
    table.copy_to_slice(0, &mut bytes)?;
    Ok(bytes.iter().enumerate().all(|(i, &b)| b == pattern(i)))
}

/// Makes a buffer of vmalloc memory whose bytes are the pattern.
pub(super) fn byte_buffer(len: usize) -> Result<ByteBuffer> {
    let mut bytes = VVec::with_capacity(len, GFP_KERNEL)?;
    for i in 0..len {
        bytes.push(pattern(i), GFP_KERNEL)?;
    }
    Ok(bytes.into())
}

/// Returns the first byte of the table.
pub(super) fn first_byte(table: &SgTable) -> Result<u8> {
    let mut byte = [0];
    table.copy_to_slice(0, &mut byte)?;
    Ok(byte[0])
}
