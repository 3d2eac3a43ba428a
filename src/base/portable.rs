// SPDX-License-Identifier: GPL-2.0

//! Interfaces of the kernel crate that differ between the kernels that are supported.
//!
//! No version is compared. `scripts/probe-kernel` compiles a few lines for each difference, and
//! prints a `cfg` if the kernel crate takes the lines. Kbuild passes each such `cfg` to rustc. Only
//! this file asks for these.

use kernel::{
    dma::{
        Coherent,
        DmaAddress, //
    },
    module_param::{
        ModuleParam,
        ModuleParamAccess, //
    },
    ptr::KnownSize, //
};

#[cfg(probe_info_is_optional)]
type Info<'a, T> = Option<&'a T>;
#[cfg(not(probe_info_is_optional))]
type Info<'a, T> = &'a T;

/// The type by which [`kernel::pci::Driver::probe`] gets the data of an entry in the table of ids.
///
/// For drivers that implement the trait of the kernel crate instead of
/// [`Driver`](crate::pci::Driver).
/// `Option::from()` makes an `Option<&T>` of it.
pub type ProbeInfo<'a, T> = Info<'a, T>;

/// Reads from a [`Coherent`] allocation: `dma_read!` or `io_read!` of the kernel crate.
///
/// ```
/// # use kernel::{dma::Coherent, prelude::*};
/// fn second(words: &Coherent<[u64]>) -> Result<u64> {
///     Ok(sgdma::dma_read!(*words, [try: 1]))
/// }
/// ```
#[cfg(not(has_io_read))]
pub use kernel::dma_read;
#[cfg(has_io_read)]
pub use kernel::io_read as dma_read;

/// Writes to a [`Coherent`] allocation: `dma_write!` or `io_write!` of the kernel crate.
///
/// ```
/// # use kernel::{dma::Coherent, prelude::*};
/// fn set_second(words: &Coherent<[u64]>) -> Result {
///     sgdma::dma_write!(*words, [try: 1], 7);
///     Ok(())
/// }
/// ```
#[cfg(not(has_io_read))]
pub use kernel::dma_write;
#[cfg(has_io_read)]
pub use kernel::io_write as dma_write;

/// Returns the bus address of a coherent allocation.
///
/// ```
/// # use kernel::dma::{Coherent, DmaAddress};
/// fn address_of_second(words: &Coherent<[u64]>) -> DmaAddress {
///     sgdma::dma_address(words) + 8
/// }
/// ```
pub fn dma_address<T: KnownSize + ?Sized>(memory: &Coherent<T>) -> DmaAddress {
    #[cfg(has_dma_address)]
    return memory.dma_address();
    #[cfg(not(has_dma_address))]
    return memory.dma_handle();
}

/// Returns the value of a parameter of the driver's module.
///
/// ```
/// # mod module_parameters {
/// #     use kernel::module_param::ModuleParamAccess;
/// #     #[expect(non_upper_case_globals)]
/// #     pub(crate) static timeout: ModuleParamAccess<u32> = ModuleParamAccess::new(5);
/// # }
/// fn timeout_ms() -> u32 {
///     1000 * sgdma::parameter(&module_parameters::timeout)
/// }
/// ```
pub fn parameter<T: ModuleParam + Copy>(parameter: &'static ModuleParamAccess<T>) -> T {
    // `value()` returns a value or a reference. Both can be borrowed.
    *core::borrow::Borrow::<T>::borrow(&parameter.value())
}

/// Declares a table of PCI ids, which user space finds in the module's file, too.
///
/// The arguments are the name of the table, the type of each entry's data, and the entries.
///
/// ```
/// use kernel::pci;
///
/// sgdma::pci_device_table!(PCI_TABLE, u32, [
///     (pci::DeviceId::from_id(pci::Vendor::VMWARE, 0x0405), 1),
/// ]);
/// const ID_TABLE: pci::IdTable<u32> = &PCI_TABLE;
/// ```
#[macro_export]
macro_rules! pci_device_table {
    ($table:ident, $info:ty, [$($entries:tt)*]) => {
        $crate::device_table_of_this_kernel!(pci_device_table, $table, $info, [$($entries)*]);
    };
}

/// Declares a table of the names of devices in a device tree, which user space finds in the
/// module's file, too.
///
/// The arguments are the name of the table, the type of each entry's data, and the entries.
///
/// ```
/// use kernel::of;
///
/// sgdma::of_device_table!(OF_TABLE, (), [(of::DeviceId::new(c"mycompany,mydevice"), ())]);
/// const OF_ID_TABLE: Option<of::IdTable<()>> = Some(&OF_TABLE);
/// ```
#[macro_export]
macro_rules! of_device_table {
    ($table:ident, $info:ty, [$($entries:tt)*]) => {
        $crate::device_table_of_this_kernel!(of_device_table, $table, $info, [$($entries)*]);
    };
}

/// Declares a table of the names of devices in ACPI, which user space finds in the module's file,
/// too.
///
/// The arguments are the name of the table, the type of each entry's data, and the entries.
///
/// ```
/// use kernel::acpi;
///
/// sgdma::acpi_device_table!(ACPI_TABLE, (), [(acpi::DeviceId::new(c"LNRO0005"), ())]);
/// const ACPI_ID_TABLE: Option<acpi::IdTable<()>> = Some(&ACPI_TABLE);
/// ```
#[macro_export]
macro_rules! acpi_device_table {
    ($table:ident, $info:ty, [$($entries:tt)*]) => {
        $crate::device_table_of_this_kernel!(acpi_device_table, $table, $info, [$($entries)*]);
    };
}

#[cfg(device_table_is_static)]
#[doc(hidden)]
#[macro_export]
macro_rules! device_table_of_this_kernel {
    ($macro:ident, $table:ident, $info:ty, [$($entries:tt)*]) => {
        ::kernel::$macro!($table, $info, [$($entries)*]);
    };
}

#[cfg(not(device_table_is_static))]
#[doc(hidden)]
#[macro_export]
macro_rules! device_table_of_this_kernel {
    ($macro:ident, $table:ident, $info:ty, [$($entries:tt)*]) => {
        ::kernel::macros::paste! {
            ::kernel::$macro!($table, [<MODULE_ $table>], $info, [$($entries)*]);
        }
    };
}

/// Evaluates to the `THIS_MODULE` of the module that expands the macro, as a constant.
#[doc(hidden)]
#[macro_export]
macro_rules! this_module {
    () => {{
        #[allow(improper_ctypes, reason = "only its address is used")]
        extern "C" {
            static __this_module: ::kernel::types::Opaque<::kernel::bindings::module>;
        }
        static MODULE: ::kernel::ThisModule =
            // SAFETY: This is the structure of the module that this code becomes part of. It lives
            // as long as the module.
            unsafe { ::kernel::ThisModule::from_ptr(__this_module.get()) };
        &MODULE
    }};
}
