// SPDX-License-Identifier: GPL-2.0

//! `read(2)` and `write(2)` of more bytes than one request takes.

use kernel::prelude::*;

/// The longest stage of a request, in bytes: a multiple of the size of any block.
pub(crate) const STAGE: usize = 256 << 10;

/// Calls `part` with each position in turn until it returns 0, the number of bytes that it has
/// moved. Returns the number of all bytes, and advances `pos` by as many.
///
/// # Errors
///
/// An error of `part`, if no bytes were moved before.
pub(crate) fn in_parts(pos: &mut i64, mut part: impl FnMut(i64) -> Result<usize>) -> Result<usize> {
    let mut done = 0;
    loop {
        match part(*pos) {
            Ok(0) => return Ok(done),
            Ok(n) => (*pos, done) = (*pos + n as i64, done + n),
            Err(error) if done == 0 => return Err(error),
            Err(_) => return Ok(done),
        }
    }
}
