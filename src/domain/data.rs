// SPDX-License-Identifier: GPL-2.0

//! Data of a driver that the devices of one domain share.

use core::any::{
    Any,
    TypeId, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Data of a driver that the devices of one domain share: mappings that all of them use, or `()`.
///
/// The library makes the value when the first device of a domain is attached, and drops it after
/// the last one was detached.
///
/// ```
/// # use kernel::{new_mutex, prelude::*, sync::Mutex};
/// # use sgdma::{DomainData, DomainDevice, DomainMapping, DomainUse, ToDevice};
/// /// The firmware that each device reads, at one address.
/// #[pin_data]
/// struct Firmware {
///     #[pin]
///     mapping: Mutex<Option<DomainMapping<ToDevice>>>,
/// }
///
/// impl DomainData for Firmware {
///     fn new() -> impl PinInit<Self, Error> {
///         try_pin_init!(Self { mapping <- new_mutex!(None) })
///     }
/// }
///
/// fn give<'bound>(
///     dev: DomainDevice<'bound, Firmware>,
/// ) -> Result<DomainUse<'bound, ToDevice>> {
///     dev.data().mapping.lock().as_ref().ok_or(ENOENT)?.for_device(dev)
/// }
/// ```
pub trait DomainData: Sized + Send + Sync + 'static {
    /// Makes the data. May sleep. A lock of all domains is held: it must not bind or unbind a
    /// device that maps in a domain.
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn new() -> impl PinInit<Self, Error>;
}

impl DomainData for () {
    fn new() -> impl PinInit<Self, Error> {
        Ok::<_, Error>(())
    }
}

/// The driver's data of a domain, of the type that the driver says.
pub(super) type Data = Arc<dyn Any + Send + Sync>;

/// Makes the driver's data of a domain.
#[derive(Clone, Copy)]
pub struct MakeData {
    pub(super) of: TypeId,
    pub(super) make: fn() -> Result<Data>,
}

impl MakeData {
    pub(super) fn of<T: DomainData>() -> Self {
        Self {
            of: TypeId::of::<T>(),
            make: || Ok(Arc::pin_init(T::new(), GFP_KERNEL)?),
        }
    }
}
