// SPDX-License-Identifier: GPL-2.0

//! QEMU's `edu` device: its identification and its registers.
//!
//! `docs/specs/edu.rst` in QEMU's source is the manual. The device has a DMA engine, which moves
//! bytes between memory and a buffer of 4 KiB inside the device. The engine does one transfer at a
//! time, and takes 100 ms for each, whatever the length. The engine sends addresses of as many bits
//! as QEMU's property `dma_mask` has set.

use kernel::{
    device::Bound,
    io::{
        register,
        Io, //
    },
    pci,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use sgdma::Quiet;

/// The device's PCI device id.
pub(crate) const DEVICE_ID: u16 = 0x11e8;

/// The entry of a driver's id table that matches the device.
///
/// The kernel has no name for the vendor id, 0x1234, so the entry matches the class. Other devices
/// have this class too: [`check_id`] tells them apart.
pub(crate) const MATCH: pci::DeviceId = pci::DeviceId::from_class(0x00ff00, 0xffffff);

/// Returns `ENODEV` unless the PCI device id is that of `edu`.
pub(crate) fn check_id(pdev: &pci::Device<Bound>) -> Result {
    if pdev.device_id() == DEVICE_ID {
        Ok(())
    } else {
        Err(ENODEV)
    }
}

/// Implements [`sgdma::pci::Driver`] for a driver of `edu`.
///
/// `$bits` is the width of the DMA mask. `$probe` makes an initialiser of the driver's data, from
/// the `pci::Device` and the device that memory is mapped for. Other functions of the trait may
/// follow.
macro_rules! driver {
    ($driver:ty, $bits:literal, $probe:expr; $($function:item)*) => {
        sgdma::pci_device_table!(PCI_TABLE, (), [($crate::common::edu::MATCH, ())]);

        impl sgdma::pci::Driver for $driver {
            type IdInfo = ();

            const ID_TABLE: kernel::pci::IdTable<()> = &PCI_TABLE;
            const DMA: sgdma::DmaLimits =
                sgdma::DmaLimits::from_mask(kernel::dma::DmaMask::new::<$bits>());

            fn probe<'bound>(
                pdev: &'bound kernel::pci::Device<kernel::device::Core<'_>>,
                dma: <$driver as sgdma::Driver>::Dma<'bound>,
                _info: Option<&'bound ()>,
            ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
                pin_init::pin_init_scope(move || {
                    $crate::common::edu::check_id(pdev)?;
                    Ok($probe(pdev, dma))
                })
            }

            $($function)*
        }
    };
}
pub(crate) use driver;

register! {
    /// Identification.
    pub(crate) ID(u32) @ 0x00 {
        /// Always [`ID_DEVICE`].
        7:0 device;
    }

    /// Holds the inverse of the value last written.
    pub(crate) LIVENESS(u32) @ 0x04 {
        31:0 value;
    }

    /// The interrupts that are raised; for reading only.
    pub(crate) IRQ_STATUS(u32) @ 0x24 {
        31:0 raised;
    }

    /// The interrupts to raise; for writing only.
    pub(crate) IRQ_RAISE(u32) @ 0x60 {
        31:0 raised;
    }

    /// The interrupts to acknowledge; for writing only.
    pub(crate) IRQ_ACK(u32) @ 0x64 {
        31:0 raised;
    }

    /// The address that a transfer reads.
    pub(crate) DMA_SRC(u64) @ 0x80 {
        63:0 address;
    }

    /// The address that a transfer writes.
    pub(crate) DMA_DST(u64) @ 0x88 {
        63:0 address;
    }

    /// The number of bytes that a transfer moves.
    pub(crate) DMA_COUNT(u64) @ 0x90 {
        63:0 bytes;
    }

    /// Starts a transfer. The device clears `start` at the end of the transfer.
    pub(crate) DMA_CMD(u64) @ 0x98 {
        2:2 interrupt => bool;
        1:1 to_memory => bool;
        0:0 start => bool;
    }
}

/// The size of the register region.
pub(crate) const REGISTERS: usize = 0xa0;

/// The mapped registers.
pub(crate) type Bar<'bound> = pci::Bar<'bound, REGISTERS>;

/// The value of [`ID`]'s field `device`.
pub(crate) const ID_DEVICE: u32 = 0xed;

/// The address of the device's own buffer, as the engine understands addresses.
pub(crate) const INNER_BUFFER: u64 = 0x40000;

/// The number of bytes that go through the inner buffer at once. Divides a page.
///
/// The buffer would hold twice as much, but QEMU 7.2 stops at a transfer that fills the buffer.
pub(crate) const CHUNK: usize = 2048;

/// The longest wait for a transfer. A transfer takes 100 ms; one that takes much longer never ends.
pub(crate) const TIMEOUT_MS: u32 = 5000;

/// The time between two looks at the engine while waiting for the end of a transfer.
const POLL_MS: u32 = 10;

/// Maps the registers.
pub(crate) fn registers<'bound>(pdev: &'bound pci::Device<Bound>) -> Result<Bar<'bound>> {
    pdev.iomap_region_sized::<REGISTERS>(0, c"edu")
}

/// Returns whether the registers are those of `edu`.
pub(crate) fn is_present(bar: &Bar<'_>) -> bool {
    bar.read(ID).device().get() == ID_DEVICE
}

/// Starts a transfer of `len` bytes.
///
/// # Errors
///
/// None in practice. A kernel may know only when it runs that a BAR is aligned to 64 bits.
pub(crate) fn start(bar: &Bar<'_>, from: u64, to: u64, len: usize, command: DMA_CMD) -> Result {
    bar.try_write_reg(DMA_SRC::zeroed().with_address(from))?;
    bar.try_write_reg(DMA_DST::zeroed().with_address(to))?;
    bar.try_write_reg(DMA_COUNT::zeroed().with_bytes(len as u64))?;
    bar.try_write_reg(command.with_start(true))
}

/// Waits up to `timeout_ms` milliseconds for the end of a transfer. Returns [`Quiet::Reset`] if the
/// transfer has ended.
///
/// # Errors
///
/// `ENODEV` if the device was taken out of its slot.
pub(crate) fn wait_idle(bar: &Bar<'_>, timeout_ms: u32) -> Result<Quiet> {
    for _ in 0..timeout_ms / POLL_MS {
        if !is_present(bar) {
            return Err(ENODEV);
        }
        if !bar.try_read(DMA_CMD)?.start() {
            return Ok(Quiet::Reset);
        }
        fsleep(Delta::from_millis(POLL_MS.into()));
    }
    Ok(Quiet::Unknown)
}

/// Makes the device quiet, for a driver's `quiesce`: waits for the end of a transfer that somebody
/// else began. Nothing can stop a transfer.
///
/// # Errors
///
/// `ENODEV` if the device is not `edu`, or was taken out of its slot.
pub(crate) fn quiesce(pdev: &pci::Device<Bound>) -> Result<Quiet> {
    check_id(pdev)?;
    let quiet = wait_idle(&registers(pdev)?, TIMEOUT_MS)?;
    if quiet == Quiet::Unknown {
        dev_err!(pdev, "a transfer has not ended after {} ms\n", TIMEOUT_MS);
    }
    Ok(quiet)
}
