// SPDX-License-Identifier: GPL-2.0

//! Buses: the operations that a binding needs of one.
//!
//! A file for each bus implements [`Bus`] for the bus's type of device, and declares the trait that
//! drivers of the bus implement. [`hooks!`] and [`registration!`] write what is the same for all.

use crate::{
    device::limits::DmaLimits,
    driver::{
        Driver,
        DriverContext, //
    }, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    prelude::*, //
};

/// A driver's statement on what its device may still do after the driver made it quiet.
///
/// The statement is about hardware, as [`InFlight::complete`](crate::InFlight::complete) is, so no
/// type can check it. See `docs/soundness.md`.
///
/// ```
/// # use kernel::{device::Core, pci, prelude::*};
/// # use sgdma::Quiet;
/// // In `Driver::quiesce`:
/// # fn reset(_: &pci::Device<Core<'_>>) -> Result { Ok(()) }
/// # fn quiesce(pdev: &pci::Device<Core<'_>>) -> Result<Quiet> {
/// match reset(pdev) {
///     Ok(()) => Ok(Quiet::Reset),
///     Err(ETIMEDOUT) => Ok(Quiet::Unknown),
///     Err(error) => Err(error),
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// The device will not access any buffer that it was told of before: it was reset, or has
    /// finished everything.
    ///
    /// From `quiesce` this releases the buffers that earlier bindings of the device left in
    /// quarantine. From `stop` it releases the buffers in quarantine without a reset by the bus.
    Reset,
    /// The device may go on with the buffers that it was told of before, once it may do DMA.
    Unknown,
}

/// The result of switching a device's DMA off.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Halt {
    /// The device does no DMA. All that it wrote before has arrived in memory.
    Halted,
    /// The bus has no switch: only the driver can end the device's DMA.
    NoSwitch,
    /// The device was removed.
    Gone,
    /// The device may still do DMA.
    Failed,
}

/// A device of driver `D` on its bus: the operations that a binding needs of the bus, and the hooks
/// of the driver.
///
/// The device type of each bus implements this. All functions but [`start_dma`](Self::start_dma)
/// may sleep.
pub(crate) trait Bus<D: Driver> {
    /// The data of the driver in its table of device ids.
    type IdInfo;

    /// Returns the device.
    fn device(&self) -> &Device<Bound>;

    /// Enables the device's registers. Calls are counted.
    fn enable(&self) -> Result;

    /// Takes one call of [`enable`](Self::enable) back.
    fn disable(&self);

    /// Lets the device do DMA, if there is a switch. Does not sleep.
    ///
    /// # Safety
    ///
    /// `dev` is a device of this bus, and bound.
    unsafe fn start_dma(dev: *mut bindings::device);

    /// Switches the device's DMA off, and waits for the transfers that are under way.
    fn stop_dma(&self) -> Halt;

    /// Resets the device, whose DMA stays off.
    ///
    /// # Errors
    ///
    /// An error of the bus, if this device cannot be reset alone.
    fn reset(&self) -> Result;

    /// Allocates as many interrupt vectors as the driver wants and the device gets. Returns their
    /// number, which is not zero.
    fn alloc_vectors(&self) -> Result<u32>;

    /// Returns the number by which the interrupt of a vector is requested.
    fn irq(&self, vector: u32) -> Result<u32>;

    /// Frees the vectors of [`alloc_vectors`](Self::alloc_vectors).
    fn free_vectors(&self);

    /// Calls the driver's `limits`.
    fn limits(&self, info: Option<&Self::IdInfo>) -> Result<DmaLimits>;

    /// Calls the driver's `quiesce`.
    fn quiesce(&self, info: Option<&Self::IdInfo>) -> Result<Quiet>;

    /// Calls the driver's `probe`.
    fn probe<'bound>(
        &'bound self,
        dma: D::Dma<'bound>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<D::Data<'bound>, Error> + 'bound;

    /// Calls the driver's `start`.
    fn start(&self, ctx: &DriverContext<'_, D>) -> Result;

    /// Calls the driver's `unbind`.
    fn unbind<'bound>(&'bound self, data: Pin<&D::Data<'bound>>);

    /// Calls the driver's `stop`.
    fn stop<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) -> Quiet;
}

/// Implements the functions of [`Bus`] that call the driver's hooks, by the trait of driver `D`.
macro_rules! hooks {
    () => {
        fn limits(&self, info: Option<&D::IdInfo>) -> Result<DmaLimits> {
            D::limits(self, info)
        }

        fn quiesce(&self, info: Option<&D::IdInfo>) -> Result<Quiet> {
            D::quiesce(self, info)
        }

        fn probe<'bound>(
            &'bound self,
            dma: D::Dma<'bound>,
            info: Option<&'bound D::IdInfo>,
        ) -> impl PinInit<D::Data<'bound>, Error> + 'bound {
            D::probe(self, dma, info)
        }

        fn start(&self, ctx: &DriverContext<'_, D>) -> Result {
            D::start(self, ctx)
        }

        fn unbind<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) {
            D::unbind(self, data);
        }

        fn stop<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) -> Quiet {
            D::stop(self, data)
        }
    };
}
pub(super) use hooks;

/// Declares the registration of a driver on the bus `kernel::$bus`, and the driver that the driver
/// core knows: `Adapter`, whose `probe` and `unbind` bind and unbind the device by [`Bus`].
macro_rules! registration {
    ($bus:ident, $macro:literal, { $($ids:tt)* }, $info:ty) => {
        /// The registration of a [`Driver`]; a drop unregisters the driver. Only for
        #[doc = concat!("[`", $macro, "!`](crate::", $macro, ").")]
        #[doc(hidden)]
        #[pin_data]
        pub struct Registration<D: Driver> {
            #[pin]
            inner: ::kernel::driver::Registration<$bus::Adapter<Adapter<D>>>,
        }

        impl<D: Driver> Registration<D> {
            /// Registers the driver under `name`. May sleep.
            ///
            /// # Safety
            ///
            /// - The module `D::MODULE` calls this, so that this generic code is compiled into that
            ///   module.
            /// - The registration is dropped before the module is unloaded.
            pub unsafe fn new(name: &'static CStr) -> impl PinInit<Self, Error> {
                try_pin_init!(Self {
                    inner <- ::kernel::driver::Registration::new(name, D::MODULE),
                })
            }
        }

        /// The driver that the driver core knows, by the kernel crate's trait for the bus.
        ///
        /// Private: only the driver core may call its probe, which sets the DMA limits, and own the
        /// result.
        struct Adapter<D>(::core::marker::PhantomData<D>);

        impl<D: Driver> $bus::Driver for Adapter<D> {
            type IdInfo = D::IdInfo;
            type Data<'bound> = Owned<'bound, D>;

            $($ids)*

            fn probe<'bound>(
                dev: &'bound $bus::Device<Core<'_>>,
                info: $info,
            ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
                Owned::bind(dev, Option::from(info))
            }

            fn unbind<'bound>(
                dev: &'bound $bus::Device<Core<'_>>,
                this: Pin<&Self::Data<'bound>>,
            ) {
                this.get_ref().unbind(dev);
            }
        }
    };
}
pub(super) use registration;
