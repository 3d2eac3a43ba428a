// SPDX-License-Identifier: GPL-2.0

//! Errors that the kernel crate has no constants for, and drivers match.
//!
//! C header: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h)

use core::num::NonZeroI32;
use kernel::{
    bindings,
    prelude::*, //
};

const fn error(errno: u32) -> Error {
    let Some(errno) = NonZeroI32::new(-(errno as i32)) else {
        panic!("zero is no error");
    };
    // SAFETY: An `Error` is such a number, of the same size, from -1 down to `-MAX_ERRNO`; so are
    // those below. The kernel crate's own way to a constant is private.
    unsafe { core::mem::transmute::<NonZeroI32, Error>(errno) }
}

/// Operation not supported on transport endpoint: the device or the platform is not made for it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, EOPNOTSUPP};
/// /// Whether all is well, or memory will have to be copied.
/// fn shares(dma: DmaDevice<'_>) -> Result<bool> {
///     match CoherentDevice::probe(dma) {
///         Ok(_) => Ok(true),
///         Err(EOPNOTSUPP) => Ok(false),
///         Err(error) => Err(error),
///     }
/// }
/// ```
pub const EOPNOTSUPP: Error = error(bindings::EOPNOTSUPP);

/// Remote I/O error: memory of another device that this one cannot reach.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DmaDevice, Mapped, BufferError, SgTable, EREMOTEIO};
/// fn map(dma: DmaDevice<'_>, table: SgTable) -> Result<Option<Mapped<'_, Bidirectional>>> {
///     match table.map(dma, Bidirectional) {
///         Ok(mapped) => Ok(Some(mapped)),
///         Err(BufferError { error: EREMOTEIO, .. }) => Ok(None),
///         Err(refused) => Err(refused.into()),
///     }
/// }
/// ```
pub const EREMOTEIO: Error = error(bindings::EREMOTEIO);
