// SPDX-License-Identifier: GPL-2.0

//! Errors that return the buffer which the failed call took.
//!
//! A call such as [`SgTable::map`](crate::SgTable::map) takes its buffer by value. If it fails, the
//! caller gets the buffer back beside the error, and may try again or use the buffer otherwise.

use kernel::prelude::*;

/// An error code, with the buffer that the failed call took.
///
/// `?` converts it to an [`Error`] and drops the buffer. A driver that still needs the buffer
/// matches instead:
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{BufferError, ByteBuffer, SegmentLimits, SgTable};
/// # fn example() -> Result {
/// let bytes = ByteBuffer::from(VVec::from_elem(7u8, 100, GFP_KERNEL)?);
/// let refused = match SgTable::new(bytes, 0..101, SegmentLimits::NONE, GFP_KERNEL) {
///     Err(BufferError { error: EINVAL, buffer }) => buffer, // Beyond the end of the bytes.
///     Err(error) => return Err(error.into()),
///     Ok(_) => return Err(EOVERFLOW),
/// };
/// assert_eq!(refused[..], [7; 100]);
/// # Ok(())
/// # }
/// ```
///
/// `E` is the type of the error. An [`IovaError`](crate::IovaError) says more than a code.
pub struct BufferError<T, E = Error> {
    /// The reason for the failure.
    pub error: E,
    /// The buffer, as it was before the call. It belongs to the CPU.
    pub buffer: T,
}

impl<T, E: Into<Error>> From<BufferError<T, E>> for Error {
    fn from(failed: BufferError<T, E>) -> Self {
        failed.error.into()
    }
}
