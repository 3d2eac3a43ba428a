// SPDX-License-Identifier: GPL-2.0

//! The registers of a virtio device: 32 bits wide, and little endian.
//!
//! The virtio specification, 4.2.2, is the manual.

use kernel::{
    device::Bound,
    io::mem::IoMem,
    platform,
    prelude::*, //
};

/// Always [`MAGIC_VALUE`].
pub(crate) const MAGIC: usize = 0x00;
pub(crate) const VERSION: usize = 0x04;
/// The kind of the device. Zero: nothing is plugged in here.
pub(crate) const DEVICE_ID: usize = 0x08;
/// 32 of the features that the device offers. The second register chooses which.
pub(crate) const DEVICE_FEATURES: usize = 0x10;
pub(crate) const DEVICE_FEATURES_SEL: usize = 0x14;
/// 32 of the features that the driver accepts. The second register chooses which.
pub(crate) const DRIVER_FEATURES: usize = 0x20;
pub(crate) const DRIVER_FEATURES_SEL: usize = 0x24;
/// The queue that the registers of queues are about.
pub(crate) const QUEUE_SEL: usize = 0x30;
/// The most entries of the queue. Zero: there is no such queue.
pub(crate) const QUEUE_NUM_MAX: usize = 0x34;
pub(crate) const QUEUE_NUM: usize = 0x38;
pub(crate) const QUEUE_READY: usize = 0x44;
/// Tells the device that a queue has more available entries.
pub(crate) const QUEUE_NOTIFY: usize = 0x50;
/// Causes of an interrupt. Those that the driver acknowledges are cleared.
pub(crate) const INTERRUPT_STATUS: usize = 0x60;
pub(crate) const INTERRUPT_ACK: usize = 0x64;
/// The steps that the driver has done. Zero resets the device.
pub(crate) const STATUS: usize = 0x70;
/// The bus addresses of the queue's parts. The upper half of each is [`HIGH`] bytes further.
pub(crate) const QUEUE_DESCRIPTORS: usize = 0x80;
pub(crate) const QUEUE_AVAILABLE: usize = 0x90;
pub(crate) const QUEUE_USED: usize = 0xa0;
pub(crate) const HIGH: usize = 4;
/// Changes with the configuration space.
pub(crate) const CONFIG_GENERATION: usize = 0xfc;
/// The configuration space of a block device: its size in sectors, 64 bits.
pub(crate) const CAPACITY: usize = 0x100;
/// The longest segment, and the most segments of a request.
pub(crate) const SIZE_MAX: usize = 0x108;
pub(crate) const SEG_MAX: usize = 0x10c;
pub(crate) const BLK_SIZE: usize = 0x114;

pub(crate) const MAGIC_VALUE: u32 = u32::from_le_bytes(*b"virt");

/// The kind of a block device.
pub(crate) const BLOCK_DEVICE: u32 = 2;

/// Bits of [`STATUS`].
pub(crate) const ACKNOWLEDGE: u32 = 1;
pub(crate) const DRIVER: u32 = 2;
pub(crate) const DRIVER_OK: u32 = 4;
pub(crate) const FEATURES_OK: u32 = 8;
pub(crate) const NEEDS_RESET: u32 = 64;

/// The cause of an interrupt that is not about a queue.
pub(crate) const CONFIG_CHANGED: u32 = 2;

/// The length of the registers, with the configuration space.
const LEN: usize = 0x200;

/// The mapped registers.
pub(crate) type Registers<'bound> = IoMem<'bound, LEN>;

/// Maps the registers.
pub(crate) fn map<'bound>(pdev: &'bound platform::Device<Bound>) -> Result<Registers<'bound>> {
    let Some(request) = pdev.io_request_by_index(0) else {
        dev_err!(
            pdev,
            "cannot bind: its node has no registers: give it a \"reg\"\n"
        );
        return Err(ENODEV);
    };
    request.iomap_sized::<LEN>()
}

/// Stores the bus address of a part of the queue.
macro_rules! write_address {
    ($registers:expr, $register:expr, $addr:expr) => {
        $registers.write32($addr as u32, $register);
        $registers.write32(($addr >> 32) as u32, $register + HIGH);
    };
}
pub(crate) use write_address;
