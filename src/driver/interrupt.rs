// SPDX-License-Identifier: GPL-2.0

//! The interrupt of a PCI device.
//!
//! The interfaces of the kernel crate differ between releases, and those of 7.3 are `unsafe`. Here
//! the handler is owned by the binding, so no driver can forget it.

use crate::{
    driver::pci::as_raw,
    ffi, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    ffi::c_void,
    pci,
    prelude::*,
    sync::Arc,
    types::ForeignOwnable, //
};

/// A handler of a device's interrupt; see [`request_msi`].
pub trait InterruptHandler: Send + Sync + 'static {
    /// Handles the interrupt of `dev`. Returns whether `dev` has raised it. In hard interrupt
    /// context, so this must not sleep.
    fn handle(&self, dev: &Device<Bound>) -> bool;
}

/// Calls `handler` when `pdev` raises its interrupt, an MSI or MSI-X, until `pdev` is unbound. May
/// sleep.
///
/// The handler may be called at once, and until all of the driver's data was dropped. A device
/// whose bus mastering is off cannot raise an MSI.
///
/// # Errors
///
/// `ENOSPC` if the device has no such interrupt or there are none left, `ENOMEM`, and others of
/// `request_irq()`.
///
/// ```
/// # use kernel::{device::{Bound, Device}, pci, prelude::*, sync::{Arc, Completion}};
/// use sgdma::pci::{request_msi, DevresBar, InterruptHandler};
///
/// #[pin_data]
/// struct Interrupt {
///     bar: DevresBar<0x100>,
///     #[pin]
///     done: Completion,
/// }
///
/// impl InterruptHandler for Interrupt {
///     fn handle(&self, dev: &Device<Bound>) -> bool {
///         if self.bar.access(dev).is_err() {
///             return false;
///         }
///         self.done.complete_all();
///         true
///     }
/// }
///
/// fn request(pdev: &pci::Device<Bound>) -> Result<Arc<Interrupt>> {
///     let bar = pdev.iomap_region_sized::<0x100>(0, c"gpu")?.into_devres()?;
///     let interrupt = Arc::pin_init(
///         try_pin_init!(Interrupt { bar, done <- Completion::new() }),
///         GFP_KERNEL,
///     )?;
///     request_msi(pdev, c"gpu", interrupt.clone())?;
///     Ok(interrupt)
/// }
/// ```
pub fn request_msi<T: InterruptHandler>(
    pdev: &pci::Device<Bound>,
    name: &'static CStr,
    handler: Arc<T>,
) -> Result {
    let data = handler.into_foreign();
    // SAFETY:
    // - `pdev` is bound, and `name` lives as long as the driver's module, which outlives that.
    // - Both functions take `data` from an `Arc<T>`, which is theirs until `release()`.
    // - The functions are in the driver's module, which stays until the device is unbound.
    let requested = to_result(unsafe {
        ffi::sgdma_request_msi(
            as_raw(pdev),
            name.as_char_ptr(),
            Some(handle::<T>),
            Some(release::<T>),
            data,
        )
    });
    if requested.is_err() {
        // SAFETY: `data` is from `into_foreign()`. After an error nobody else uses it.
        drop(unsafe { Arc::<T>::from_foreign(data) });
    }
    requested
}

/// Calls the handler.
///
/// # Safety
///
/// `dev` is bound during the call. `data` is from `Arc::<T>::into_foreign`, and was not released.
unsafe extern "C" fn handle<T: InterruptHandler>(
    dev: *mut bindings::device,
    data: *mut c_void,
) -> bool {
    // SAFETY: The device is valid and bound during the call, as the caller promises. `Device` is
    // `repr(transparent)` over the C structure.
    let dev = unsafe { &*dev.cast_const().cast::<Device<Bound>>() };
    // SAFETY: `data` is from `into_foreign()` and not released, as the caller promises.
    unsafe { Arc::<T>::borrow(data) }.handle(dev)
}

/// Drops the handler.
///
/// # Safety
///
/// `data` is from `Arc::<T>::into_foreign`. Nobody uses it during the call or later.
unsafe extern "C" fn release<T: InterruptHandler>(data: *mut c_void) {
    // SAFETY: As the caller promises.
    drop(unsafe { Arc::<T>::from_foreign(data) });
}
