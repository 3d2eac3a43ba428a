// SPDX-License-Identifier: GPL-2.0

//! The features that driver and device agree on, and what the device says of itself. The driver
//! checks both.

use crate::{
    registers::*,
    ring::{
        Layout,
        MAX_ENTRIES, //
    }, //
};
use kernel::{
    device::Bound,
    io::Io,
    page::PAGE_SIZE,
    platform,
    prelude::*, //
};
use sgdma::EOPNOTSUPP;

/// The unit of positions on a disk, in bytes.
pub(crate) const SECTOR: u64 = 512;

/// Features of a block device, and of each virtio device.
mod feature {
    pub(super) const SIZE_MAX: u64 = 1 << 1;
    pub(super) const SEG_MAX: u64 = 1 << 2;
    pub(super) const READ_ONLY: u64 = 1 << 5;
    pub(super) const BLK_SIZE: u64 = 1 << 6;
    pub(super) const FLUSH: u64 = 1 << 9;
    pub(super) const INDIRECT: u64 = 1 << 28;
    pub(super) const VERSION_1: u64 = 1 << 32;
    /// The device uses bus addresses, as the DMA API makes them.
    pub(super) const ACCESS_PLATFORM: u64 = 1 << 33;
    /// The device needs the barriers that hardware needs. This driver has them.
    pub(super) const ORDER_PLATFORM: u64 = 1 << 36;

    pub(super) const NEEDED: u64 = INDIRECT | VERSION_1 | ACCESS_PLATFORM;
    pub(super) const KNOWN: u64 =
        NEEDED | ORDER_PLATFORM | SIZE_MAX | SEG_MAX | READ_ONLY | BLK_SIZE | FLUSH;
}

/// The answers of the device about itself.
pub(crate) struct Facts {
    /// In bytes.
    pub(crate) capacity: u64,
    /// The size of a block in bytes: positions and lengths are multiples.
    pub(crate) block_size: usize,
    pub(crate) layout: Layout,
    /// The most descriptors of data in a request.
    pub(crate) segments: usize,
    /// The most bytes of one such descriptor.
    pub(crate) size_max: u64,
    /// The most bytes of a request, wherever they lie.
    pub(crate) max_bytes: usize,
    pub(crate) is_read_only: bool,
    pub(crate) flushes: bool,
}

/// The configuration space.
struct Config {
    sectors: u64,
    size_max: u32,
    seg_max: u32,
    blk_size: u32,
}

impl Config {
    /// Reads the space, again if the space has changed meanwhile.
    fn read(registers: &Registers<'_>) -> Result<Self> {
        for _ in 0..100 {
            let before = registers.read32(CONFIG_GENERATION);
            let low = registers.read32(CAPACITY);
            let this = Self {
                sectors: u64::from(registers.read32(CAPACITY + HIGH)) << 32 | u64::from(low),
                size_max: registers.read32(SIZE_MAX),
                seg_max: registers.read32(SEG_MAX),
                blk_size: registers.read32(BLK_SIZE),
            };
            if registers.read32(CONFIG_GENERATION) == before {
                return Ok(this);
            }
        }
        Err(EIO)
    }
}

/// Negotiates features with a device that was reset. Returns those that both sides have.
fn negotiate(pdev: &platform::Device<Bound>, registers: &Registers<'_>) -> Result<u64> {
    registers.write32(ACKNOWLEDGE, STATUS);
    registers.write32(ACKNOWLEDGE | DRIVER, STATUS);
    registers.write32(0, DEVICE_FEATURES_SEL);
    let low = registers.read32(DEVICE_FEATURES);
    registers.write32(1, DEVICE_FEATURES_SEL);
    let offered = u64::from(registers.read32(DEVICE_FEATURES)) << 32 | u64::from(low);
    let missing = feature::NEEDED & !offered;
    if missing != 0 {
        dev_err!(
            pdev,
            "cannot bind: the device lacks the features {:#x}: with QEMU, give it \
             iommu_platform=on\n",
            missing
        );
        return Err(EOPNOTSUPP);
    }
    let features = offered & feature::KNOWN;
    registers.write32(0, DRIVER_FEATURES_SEL);
    registers.write32(features as u32, DRIVER_FEATURES);
    registers.write32(1, DRIVER_FEATURES_SEL);
    registers.write32((features >> 32) as u32, DRIVER_FEATURES);
    registers.write32(ACKNOWLEDGE | DRIVER | FEATURES_OK, STATUS);
    if registers.read32(STATUS) & FEATURES_OK == 0 {
        dev_err!(
            pdev,
            "cannot bind: the device refuses its features {:#x}\n",
            features
        );
        return Err(EOPNOTSUPP);
    }
    Ok(features)
}

impl Facts {
    /// Asks a device that was reset.
    ///
    /// # Errors
    ///
    /// Each with a line in the log.
    pub(crate) fn ask(pdev: &platform::Device<Bound>, registers: &Registers<'_>) -> Result<Self> {
        let features = negotiate(pdev, registers)?;
        let has = |feature| features & feature != 0;
        let config = Config::read(registers).inspect_err(|_| {
            dev_err!(
                pdev,
                "cannot bind: the configuration space does not come to rest\n"
            )
        })?;
        registers.write32(0, QUEUE_SEL);
        let most = registers.read32(QUEUE_NUM_MAX);
        if most == 0 {
            dev_err!(pdev, "cannot bind: the device has no queue\n");
            return Err(EINVAL);
        }
        let most = most.min(MAX_ENTRIES.into()) as u16;
        let layout = Layout {
            entries: 1 << most.ilog2(),
        };
        // No table is longer than the queue. Two of its descriptors are no data.
        let mut segments = u32::from(layout.entries).saturating_sub(2);
        if has(feature::SEG_MAX) {
            segments = segments.min(config.seg_max);
        }
        let size_max = if has(feature::SIZE_MAX) {
            config.size_max
        } else {
            u32::MAX
        };
        let block_size = if has(feature::BLK_SIZE) {
            config.blk_size
        } else {
            SECTOR as u32
        };
        // Bytes at any place lie in one page more than they fill. Each page may be a run.
        let of_a_page = (PAGE_SIZE as u32).div_ceil(size_max.max(1));
        let pages = segments.checked_div(of_a_page).unwrap_or(0);
        let pages = pages.saturating_sub(1);
        let capacity = config.sectors.checked_mul(SECTOR);
        let capacity = capacity.filter(|capacity| *capacity <= i64::MAX as u64);
        let knows_block = block_size.is_power_of_two()
            && (SECTOR..=PAGE_SIZE as u64).contains(&u64::from(block_size));
        let (Some(capacity), true, true) = (capacity, pages > 0, knows_block) else {
            dev_err!(
                pdev,
                "cannot bind: {} sectors, {} segments of {} bytes, blocks of {} bytes are beyond \
                 what the driver knows\n",
                config.sectors,
                segments,
                size_max,
                block_size
            );
            return Err(EOPNOTSUPP);
        };
        Ok(Self {
            capacity: capacity & !(u64::from(block_size) - 1),
            block_size: block_size as usize,
            layout,
            segments: segments as usize,
            size_max: size_max.into(),
            max_bytes: pages as usize * PAGE_SIZE,
            is_read_only: has(feature::READ_ONLY),
            flushes: has(feature::FLUSH),
        })
    }
}
