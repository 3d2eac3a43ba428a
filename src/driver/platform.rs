// SPDX-License-Identifier: GPL-2.0

//! Drivers of platform devices: those that a device tree, ACPI or a board file describes.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)
//!
//! [`Driver`] is to [`kernel::platform::Driver`] what [`pci::Driver`](crate::pci::Driver) is to
//! [`kernel::pci::Driver`].
//!
//! This library does not bind devices of the auxiliary bus. Such a device has the mask, the bus
//! mastering and so the quarantine of its parent, which belong to the binding of another driver.

use crate::{
    base::error::EOPNOTSUPP,
    device::limits::DmaLimits,
    driver::{
        binding::Owned,
        bus::{
            hooks,
            registration,
            Bus,
            Halt,
            Quiet, //
        },
        DriverContext, //
    }, //
};
use core::ops::RangeInclusive;
use kernel::{
    acpi,
    bindings,
    device::{
        self,
        Core,
        Device,
        DeviceContext, //
    },
    error::to_result,
    of,
    platform,
    prelude::*, //
};

/// A driver of platform devices. [`module_platform_driver!`](crate::module_platform_driver)
/// declares its module.
///
/// The hooks are those of [`pci::Driver`](crate::pci::Driver), and are called in the same order.
/// But the bus neither enables registers nor resets a device, and **the bus has no switch for
/// DMA**. A device may do DMA at any time, also before the binding and after it. So a driver should
/// reset its device in [`quiesce`](Self::quiesce) and in [`stop`](Self::stop), and return
/// [`Quiet::Reset`]. Buffers that the device may be using are kept until then, together with a
/// reference to the device.
///
/// ```
/// use kernel::{device::Core, dma::DmaMask, of, platform, prelude::*};
/// use sgdma::{DmaDevice, DmaLimits, Mapped, NoFiles, NoHandlers, SgTable, ToDevice};
///
/// sgdma::of_device_table!(OF_TABLE, (), [(of::DeviceId::new(c"mycompany,mygpu"), ())]);
///
/// struct Gpu;
///
/// impl sgdma::Driver for Gpu {
///     type Data<'bound> = Mapped<'bound, ToDevice>;
///     type Files = NoFiles;
///     type Handlers = NoHandlers;
///     type Dma<'bound> = DmaDevice<'bound>;
/// }
///
/// impl sgdma::platform::Driver for Gpu {
///     type IdInfo = ();
///     const OF_ID_TABLE: Option<of::IdTable<()>> = Some(&OF_TABLE);
///     const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<40>());
///
///     fn probe<'bound>(
///         _pdev: &'bound platform::Device<Core<'_>>,
///         dma: DmaDevice<'bound>,
///         _info: Option<&'bound ()>,
///     ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
///         Ok::<_, Error>(SgTable::alloc(1 << 20, dma, GFP_KERNEL)?.map(dma, ToDevice)?)
///     }
/// }
///
/// sgdma::module_platform_driver! {
///     type: Gpu,
///     name: "gpu",
///     authors: ["your name"],
///     description: "Maps a buffer",
///     license: "GPL",
/// }
/// # fn main() {}
/// ```
pub trait Driver: crate::Driver {
    /// The data of each entry in the tables of ids.
    type IdInfo: 'static;

    /// The devices that this driver serves, by their names in a device tree (`compatible`).
    const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = None;

    /// The devices that this driver serves, by their ids in ACPI (`_HID`, `_CID`).
    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = None;

    /// The DMA limits of the device; see [`limits`](Self::limits).
    const DMA: DmaLimits;

    /// The smallest and largest number of interrupts; one by default.
    ///
    /// Vector `n` is interrupt `n` of the device, if the driver has
    /// [`Handlers::irq`](crate::Handlers::irq). Binding fails, with a line in the log, if the
    /// device has fewer than the smallest number. If there are [`IRQ_NAMES`](Self::IRQ_NAMES),
    /// `VECTORS` is not used.
    const VECTORS: RangeInclusive<u32> = 1..=1;

    /// The names of the interrupts (`interrupt-names`), one for each vector. By default there are
    /// none. Binding fails if the device lacks an interrupt of one of these names.
    const IRQ_NAMES: &'static [&'static CStr] = &[];

    /// Returns the DMA limits of this device: see [`pci::Driver::limits`].
    ///
    /// [`pci::Driver::limits`]: crate::pci::Driver::limits
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn limits(pdev: &platform::Device<Core<'_>>, info: Option<&Self::IdInfo>) -> Result<DmaLimits> {
        let _ = (pdev, info);
        Ok(Self::DMA)
    }

    /// Makes the device quiet, before the driver's data is made. May sleep.
    ///
    /// The device may still be busy for an earlier driver or for firmware. [`Quiet::Reset`]
    /// releases the buffers that earlier bindings of the device left in quarantine.
    ///
    /// # Errors
    ///
    /// An error fails the binding. `ENODEV` is for a device that is not there.
    fn quiesce(pdev: &platform::Device<Core<'_>>, info: Option<&Self::IdInfo>) -> Result<Quiet> {
        let _ = (pdev, info);
        Ok(Quiet::Unknown)
    }

    /// Creates the driver's data for `pdev`: see [`pci::Driver::probe`]. May sleep.
    ///
    /// [`pci::Driver::probe`]: crate::pci::Driver::probe
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        dma: Self::Dma<'bound>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Starts the device, whose handlers run already: see [`pci::Driver::start`]. May sleep.
    ///
    /// [`pci::Driver::start`]: crate::pci::Driver::start
    ///
    /// # Errors
    ///
    /// An error fails the binding. The binding ends as if the driver were unbound.
    fn start(pdev: &platform::Device<Core<'_>>, ctx: &DriverContext<'_, Self>) -> Result {
        let _ = (pdev, ctx);
        Ok(())
    }

    /// Ends file operations that would run for long: see [`pci::Driver::unbind`]. May sleep.
    ///
    /// [`pci::Driver::unbind`]: crate::pci::Driver::unbind
    fn unbind<'bound>(pdev: &'bound platform::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        let _ = (pdev, data);
    }

    /// Makes the device quiet before its handlers end and `data` is dropped: see
    /// [`pci::Driver::stop`]. May sleep.
    ///
    /// Without [`Quiet::Reset`] all buffers that are in flight are kept for good, or until a later
    /// binding resets the device.
    ///
    /// [`pci::Driver::stop`]: crate::pci::Driver::stop
    fn stop<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        data: Pin<&Self::Data<'bound>>,
    ) -> Quiet {
        let _ = (pdev, data);
        Quiet::Unknown
    }
}

registration!(
    platform,
    "module_platform_driver",
    {
        const OF_ID_TABLE: Option<of::IdTable<Self::IdInfo>> = D::OF_ID_TABLE;
        const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = D::ACPI_ID_TABLE;
    },
    Option<&'bound Self::IdInfo>
);

impl<D: Driver> Bus<D> for platform::Device<Core<'_>> {
    type IdInfo = D::IdInfo;

    fn device(&self) -> &Device<device::Bound> {
        self.as_ref()
    }

    fn enable(&self) -> Result {
        Ok(())
    }

    fn disable(&self) {}

    unsafe fn start_dma(_dev: *mut bindings::device) {}

    fn stop_dma(&self) -> Halt {
        Halt::NoSwitch
    }

    fn reset(&self) -> Result {
        Err(EOPNOTSUPP)
    }

    fn alloc_vectors(&self) -> Result<u32> {
        if !D::IRQ_NAMES.is_empty() {
            return Ok(D::IRQ_NAMES.len() as u32);
        }
        let min = (*D::VECTORS.start()).max(1);
        let max = (*D::VECTORS.end()).max(min);
        for number in 0..max {
            // SAFETY: The device is valid: `self` is a reference to it.
            let irq = unsafe { bindings::platform_get_irq_optional(as_raw(self), number) };
            match to_result(irq) {
                Ok(()) => {}
                Err(_) if number >= min => return Ok(number),
                Err(EPROBE_DEFER) => return Err(EPROBE_DEFER),
                Err(_) => {
                    dev_err!(
                        self,
                        "cannot bind: the device has {} interrupts, and its driver needs {}\n",
                        number,
                        min
                    );
                    return Err(ENXIO);
                }
            }
        }
        Ok(max)
    }

    fn irq(&self, vector: u32) -> Result<u32> {
        let pdev = as_raw(self);
        // SAFETY: The device is valid: `self` is a reference to it. The name is a valid string.
        let number = unsafe {
            match D::IRQ_NAMES.get(vector as usize) {
                Some(name) => bindings::platform_get_irq_byname(pdev, name.as_char_ptr()),
                None => bindings::platform_get_irq(pdev, vector),
            }
        };
        to_result(number)?;
        Ok(number as u32)
    }

    fn free_vectors(&self) {}

    hooks!();
}

/// Returns the `struct platform_device` of a device.
fn as_raw<C: DeviceContext>(pdev: &platform::Device<C>) -> *mut bindings::platform_device {
    // CAST: `Device` is `repr(transparent)` over the C structure, inside an `Opaque`, which allows
    // mutation behind a shared reference.
    core::ptr::from_ref(pdev).cast_mut().cast()
}

/// Declares a module that is one driver of platform devices: [`kernel::module_platform_driver!`]
/// for [`Driver`].
///
/// The fields are those of that macro.
#[macro_export]
macro_rules! module_platform_driver {
    ($($f:tt)*) => {
        $crate::module_driver_of_bus!(platform, $($f)*);
    };
}
