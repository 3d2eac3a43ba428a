// SPDX-License-Identifier: GPL-2.0

//! Namespaces: disks of a controller. What the device says of one is checked.

use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use sgdma::EOPNOTSUPP;

/// The sizes of a block that the driver knows, as powers of two.
const SHIFTS: core::ops::RangeInclusive<u8> = 9..=12;

#[pin_data]
pub(crate) struct Namespace {
    pub(crate) nsid: u32,
    pub(crate) blocks: u64,
    /// The size of a block, as a power of two.
    pub(crate) shift: u32,
    /// The most bytes of a command: at least a block.
    pub(crate) max_bytes: usize,
    /// Held while part of a block is written, so that nobody else writes the rest meanwhile.
    #[pin]
    pub(crate) partial: Mutex<()>,
}

impl Namespace {
    /// Makes a namespace of the structure that the device describes it by.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the driver does not know such a namespace.
    pub(crate) fn new(nsid: u32, bytes: &[u8], max_bytes: usize) -> Result<Pin<KBox<Self>>> {
        const NLBAF: usize = 25;
        const FLBAS: usize = 26;
        const FORMATS: usize = 128;
        let (blocks, _) = bytes.split_first_chunk().ok_or(EINVAL)?;
        let blocks = u64::from_le_bytes(*blocks);
        let format = bytes[FLBAS] & 0xf | bytes[FLBAS] >> 1 & 0x30;
        if format > bytes[NLBAF] {
            return Err(EOPNOTSUPP);
        }
        let at = FORMATS + 4 * usize::from(format);
        let &[metadata_low, metadata_high, shift, _] = &bytes[at..at + 4] else {
            return Err(EINVAL);
        };
        let fits = blocks <= i64::MAX as u64 >> shift.min(63);
        if metadata_low | metadata_high != 0 || !SHIFTS.contains(&shift) || !fits {
            return Err(EOPNOTSUPP);
        }
        KBox::pin_init(
            pin_init!(Self {
                nsid,
                blocks,
                shift: shift.into(),
                max_bytes,
                partial <- new_mutex!(()),
            }),
            GFP_KERNEL,
        )
    }

    /// Returns the size in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.blocks << self.shift
    }

    pub(crate) fn block_size(&self) -> usize {
        1 << self.shift
    }
}
