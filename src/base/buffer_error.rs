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
/// # use kernel::{error::Error, prelude::*};
/// # use sgdma::{DmaDevice, BufferError, SgTable, ToDevice};
/// # fn upload(dev: DmaDevice<'_>, table: SgTable) -> Result {
/// let mapped = match table.map(dev, ToDevice) {
///     Ok(mapped) => mapped,
///     Err(BufferError { error: ENOMEM, buffer }) => return keep_for_later(buffer),
///     Err(error) => return Err(error.into()),
/// };
/// # drop(mapped); Ok(())
/// # }
/// # fn keep_for_later(_: SgTable) -> Result { Ok(()) }
/// ```
pub struct BufferError<T> {
    /// The reason for the failure.
    pub error: Error,
    /// The buffer, as it was before the call. It belongs to the CPU.
    pub buffer: T,
}

impl<T> From<BufferError<T>> for Error {
    fn from(failed: BufferError<T>) -> Self {
        failed.error
    }
}
