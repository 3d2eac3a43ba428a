// SPDX-License-Identifier: GPL-2.0

//! Page tables: vmwgfx calls one a MOB.
//!
//! An entry is the number of a DMA page. At level 0 the root is the object's only page. At level 1
//! the root is a page of entries for the object's pages, at level 2 a page of entries for such
//! pages. `../common/table.rs` builds the tables and follows them.

use crate::common::table::{
    Blocks,
    Entry,
    Tables,
    TABLE_PAGE, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::DmaDevice;

/// The size of the device's pages in bytes, whatever the size of the CPU's pages.
pub(crate) const GPU_PAGE: usize = TABLE_PAGE;
const GPU_PAGE_SHIFT: u32 = GPU_PAGE.trailing_zeros();

/// An entry of 64 bits: the number of a page, little endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, zerocopy_derive::Immutable)]
#[repr(transparent)]
struct Number64(u64);

impl Entry for Number64 {
    const MAX: DmaAddress = DmaAddress::MAX;

    fn from_address(addr: DmaAddress) -> Self {
        Self((addr >> GPU_PAGE_SHIFT).to_le())
    }

    fn address(self) -> Result<DmaAddress> {
        Ok(u64::from_le(self.0) << GPU_PAGE_SHIFT)
    }
}

/// An entry of 32 bits: the number of a page, little endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, zerocopy_derive::Immutable)]
#[repr(transparent)]
struct Number32(u32);

impl Entry for Number32 {
    const MAX: DmaAddress = (u32::MAX as DmaAddress) << GPU_PAGE_SHIFT;

    fn from_address(addr: DmaAddress) -> Self {
        Self(((addr >> GPU_PAGE_SHIFT) as u32).to_le())
    }

    fn address(self) -> Result<DmaAddress> {
        Ok(DmaAddress::from(u32::from_le(self.0)) << GPU_PAGE_SHIFT)
    }
}

/// The page table of a bound object.
pub(crate) struct Mob<'bound> {
    first: DmaAddress,
    pub(crate) tables: Tables<'bound>,
}

impl<'bound> Mob<'bound> {
    /// Builds the page table for `count` pages, with entries of `bits` bits.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        pages: impl Blocks,
        count: usize,
        bits: u32,
    ) -> Result<Self> {
        match bits {
            32 => Self::build::<Number32>(dma, pages, count),
            64 => Self::build::<Number64>(dma, pages, count),
            _ => Err(EINVAL),
        }
    }

    fn build<E: Entry>(dma: DmaDevice<'bound>, pages: impl Blocks, count: usize) -> Result<Self> {
        let levels = if count <= 1 {
            0
        } else if count <= E::PER_PAGE {
            1
        } else if count <= E::PER_PAGE * E::PER_PAGE {
            2
        } else {
            dev_err!(
                dma.device(),
                "an object of {} pages is too large: a page table of level 2 has {} entries\n",
                count,
                E::PER_PAGE * E::PER_PAGE
            );
            return Err(EFBIG);
        };
        Ok(Self {
            first: pages.first().ok_or(EINVAL)?,
            tables: Tables::build::<E>(dma, pages, count, levels)?,
        })
    }

    /// Returns the page number of the root.
    pub(crate) fn root(&self) -> u64 {
        self.tables.root() >> GPU_PAGE_SHIFT
    }

    /// Returns the page number of the object's first page.
    pub(crate) fn first(&self) -> u64 {
        self.first >> GPU_PAGE_SHIFT
    }
}
