// SPDX-License-Identifier: GPL-2.0

//! Error codes that drivers match, and for which the kernel crate has no constants.
//!
//! C header: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h)

use core::num::NonZeroI32;
use kernel::{
    bindings,
    prelude::*, //
};

/// Makes an error of a positive error number. The kernel crate's own way to do so is private.
///
/// It does not compile for a number that is not an error.
const fn error(errno: u32) -> Error {
    assert!(errno <= bindings::MAX_ERRNO, "too large for an error");
    let Some(errno) = NonZeroI32::new(-(errno as i32)) else {
        panic!("zero is no error");
    };
    // SAFETY:
    // - `Error` has one field, a `NonZeroI32`: a type of another size does not compile here.
    // - An `Error` holds a number of `-MAX_ERRNO..0`. The two checks above ensure this.
    unsafe { core::mem::transmute::<NonZeroI32, Error>(errno) }
}

/// Operation not supported on transport endpoint: the device or the platform cannot do this.
///
/// For example, [`CoherentDevice::probe`](crate::CoherentDevice::probe) returns it for a device
/// that needs syncs.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, EOPNOTSUPP};
/// /// Returns `true` if the device can share memory, `false` if the driver has to copy.
/// fn shares(dma: DmaDevice<'_>) -> Result<bool> {
///     match CoherentDevice::probe(dma) {
///         Ok(_) => Ok(true),
///         Err(EOPNOTSUPP) => Ok(false),
///         Err(error) => Err(error),
///     }
/// }
/// ```
pub const EOPNOTSUPP: Error = error(bindings::EOPNOTSUPP);

/// Remote I/O error: a page is memory of another device, which this device cannot reach.
///
/// Mapping returns it, as `dma_map_sgtable()` does.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DmaDevice, Mapped, BufferError, SgTable, EREMOTEIO};
/// fn map(dma: DmaDevice<'_>, table: SgTable) -> Result<Option<Mapped<'_, Bidirectional>>> {
///     match table.map(dma, Bidirectional) {
///         Ok(mapped) => Ok(Some(mapped)),
///         Err(BufferError { error: EREMOTEIO, .. }) => Ok(None),
///         Err(error) => Err(error.into()),
///     }
/// }
/// ```
pub const EREMOTEIO: Error = error(bindings::EREMOTEIO);
