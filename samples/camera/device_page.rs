// SPDX-License-Identifier: GPL-2.0

//! Pages of the device's own: coherent pages that the driver fills with words, and the dummy page.

use crate::{
    list::LIST_ENTRIES,
    uapi, //
};
use core::mem;
use kernel::{
    dma::{
        Coherent,
        DmaAddress, //
    },
    prelude::*, //
};
use sgdma::DmaDevice;

/// The size of the device's pages in bytes, whatever the size of the CPU's pages.
pub(crate) const DEVICE_PAGE: usize = uapi::SGDMA_CAMERA_PAGE as usize;
pub(crate) const DEVICE_PAGE_SHIFT: u32 = DEVICE_PAGE.trailing_zeros();

/// Returns the number of the DMA page at `addr`, as an entry holds the number.
fn page_number(addr: DmaAddress) -> Result<u32> {
    if addr % DEVICE_PAGE as DmaAddress != 0 {
        return Err(ERANGE);
    }
    Ok(u32::try_from(addr >> DEVICE_PAGE_SHIFT)?)
}

/// Returns the address of the DMA page with this number.
pub(crate) fn page_address(number: u32) -> DmaAddress {
    DmaAddress::from(number) << DEVICE_PAGE_SHIFT
}

/// A page that the device reads or writes at any time. The page is coherent, as in ipu3-cio2.
pub(crate) struct DevicePage {
    /// `None` if the page was leaked.
    words: Option<Coherent<[u32]>>,
    pub(crate) number: u32,
}

impl DevicePage {
    pub(crate) fn new(dma: DmaDevice<'_>) -> Result<Self> {
        let words = Coherent::zeroed_slice(dma.device(), LIST_ENTRIES, GFP_KERNEL_ACCOUNT)?;
        Ok(Self {
            number: page_number(sgdma::dma_address(&words))?,
            words: Some(words),
        })
    }

    pub(crate) fn address(&self) -> DmaAddress {
        page_address(self.number)
    }

    pub(crate) fn get(&self, at: usize) -> Result<u32> {
        let words = self.words.as_ref().ok_or(EIO)?;
        Ok(u32::from_le(sgdma::dma_read!(words, [try: at])))
    }

    pub(crate) fn set(&self, at: usize, value: u32) -> Result {
        let words = self.words.as_ref().ok_or(EIO)?;
        sgdma::dma_write!(words, [try: at], value.to_le());
        Ok(())
    }

    /// Leaks the page to a device that does not answer, and may still be using the page.
    pub(crate) fn leak(&mut self) {
        mem::forget(self.words.take());
    }
}

/// The dummy page, to which every entry without a page of a frame leads, and a list of nothing but
/// the dummy page.
pub(crate) struct Dummy {
    page: DevicePage,
    list: DevicePage,
}

/// The page numbers of the dummy page and the dummy list.
#[derive(Clone, Copy)]
pub(crate) struct DummyNumbers {
    pub(crate) page: u32,
    pub(crate) list: u32,
}

impl Dummy {
    pub(crate) fn new(dma: DmaDevice<'_>) -> Result<Self> {
        let this = Self {
            page: DevicePage::new(dma)?,
            list: DevicePage::new(dma)?,
        };
        for i in 0..LIST_ENTRIES {
            this.list.set(i, this.page.number)?;
        }
        Ok(this)
    }

    pub(crate) fn numbers(&self) -> DummyNumbers {
        DummyNumbers {
            page: self.page.number,
            list: self.list.number,
        }
    }

    /// Copies the bytes that the device has written to the dummy page into `page`.
    pub(crate) fn read(&self, page: &mut [u8; DEVICE_PAGE]) -> Result {
        for (i, word) in page.chunks_exact_mut(size_of::<u32>()).enumerate() {
            word.copy_from_slice(&self.page.get(i)?.to_le_bytes());
        }
        Ok(())
    }

    /// Leaks both pages to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.page.leak();
        self.list.leak();
    }
}
