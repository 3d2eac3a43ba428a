// SPDX-License-Identifier: GPL-2.0

//! Errors that give back what the failed call had taken.

use kernel::prelude::*;

/// Why a call failed, and the buffer that it had taken, as it was.
///
/// `?` drops the buffer, in a driver that has no use for it then:
///
/// ```
/// # use kernel::{error::Error, prelude::*};
/// # use sgdma::{DmaDevice, BufferError, SgTable, ToDevice};
/// # fn upload(dev: DmaDevice<'_>, table: SgTable) -> Result {
/// let mapped = match table.map(dev, ToDevice) {
///     Ok(mapped) => mapped,
///     Err(BufferError { error: ENOMEM, buffer }) => return keep_for_later(buffer),
///     Err(refused) => return Err(refused.into()),
/// };
/// # drop(mapped); Ok(())
/// # }
/// # fn keep_for_later(_: SgTable) -> Result { Ok(()) }
/// ```
pub struct BufferError<T> {
    /// Why.
    pub error: Error,
    /// What the call had taken. It is the CPU's.
    pub buffer: T,
}

impl<T> From<BufferError<T>> for Error {
    fn from(refused: BufferError<T>) -> Self {
        refused.error
    }
}
