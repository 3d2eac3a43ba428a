// SPDX-License-Identifier: GPL-2.0

//! The device: recognised, reset and started.

use crate::{
    registers::*,
    ring::Layout, //
};
use kernel::{
    device::Bound,
    dma::DmaAddress,
    io::Io,
    platform,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

/// The longest wait for the end of a reset, in milliseconds.
const RESET_MS: u32 = 1000;

/// Checks that this is a block device which the driver knows.
///
/// # Errors
///
/// `ENODEV`. The log has a line on it, unless nothing is plugged in.
pub(crate) fn check(pdev: &platform::Device<Bound>, registers: &Registers<'_>) -> Result {
    let (magic, version) = (registers.read32(MAGIC), registers.read32(VERSION));
    let id = registers.read32(DEVICE_ID);
    if magic != MAGIC_VALUE {
        dev_err!(
            pdev,
            "cannot bind: these are no registers of virtio: {:#x}\n",
            magic
        );
    } else if id == 0 {
        // An empty transport. A machine has many, so none gets a line.
    } else if id != BLOCK_DEVICE {
        dev_info!(
            pdev,
            "not bound: a virtio device of kind {}, which is no block device\n",
            id
        );
    } else if version != 2 {
        dev_err!(
            pdev,
            "cannot bind: the device has version {} of these registers, not 2: with QEMU, give \
             -global virtio-mmio.force-legacy=false\n",
            version
        );
    } else {
        return Ok(());
    }
    Err(ENODEV)
}

/// Resets the device, which then uses no memory that it was told of before.
///
/// # Errors
///
/// `ETIMEDOUT`.
pub(crate) fn reset(registers: &Registers<'_>) -> Result {
    registers.write32(0, STATUS);
    for _ in 0..=RESET_MS {
        if registers.read32(STATUS) == 0 {
            return Ok(());
        }
        fsleep(Delta::from_millis(1));
    }
    Err(ETIMEDOUT)
}

/// Starts the device, with its queue at the bus address `queue`.
pub(crate) fn start(registers: &Registers<'_>, layout: Layout, queue: DmaAddress) {
    registers.write32(0, QUEUE_SEL);
    registers.write32(layout.entries.into(), QUEUE_NUM);
    write_address!(registers, QUEUE_DESCRIPTORS, queue);
    let available = queue + layout.available() as DmaAddress;
    write_address!(registers, QUEUE_AVAILABLE, available);
    let used = queue + layout.used() as DmaAddress;
    write_address!(registers, QUEUE_USED, used);
    registers.write32(1, QUEUE_READY);
    registers.write32(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK, STATUS);
}
