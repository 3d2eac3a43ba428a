// SPDX-License-Identifier: GPL-2.0

//! The frame table (FBPT, frame buffer pointer table), as ipu3-cio2 has it.
//!
//! The table is a page, and a ring of entries. An entry describes a buffer: the numbers of up to
//! eight lists, the offset of the frame in the first page, and the end of the frame in the last
//! page. An entry without a buffer leads to the dummy page: the device may read ahead.

use crate::{
    device_page::{
        page_address,
        DevicePage,
        DummyNumbers,
        DEVICE_PAGE, //
    },
    list::{
        Lists,
        LIST_ENTRIES,
        MAX_LISTS, //
    },
    uapi, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::DmaDevice;

/// An entry of the frame table.
///
/// An entry has a part of four words for each list. The first two parts hold more than a list:
///
/// | | word 0 | 1 | 2 | 3 |
/// |---|---|---|---|---|
/// | first | control | line, frame | offset in the first page | list |
/// | second | time | bytes written | last byte of the last page, pages | list |
/// | others | | | | list |
///
/// The driver reads the same words as, by DMA, the device.
#[derive(Clone, Copy)]
pub(crate) struct Entry([u32; Self::WORDS]);

/// The bit that lets the device fill the entry's buffer, or the dummy page. The device clears it.
const VALID: u32 = 1;

const CONTROL: usize = 0;
const FRAME: usize = 1;
const FIRST_PAGE_OFFSET: usize = 2;
const BYTES: usize = 5;
const LAST_PAGE: usize = 6;
const LIST: usize = 3;

impl Entry {
    const PART: usize = 4;
    const WORDS: usize = MAX_LISTS * Self::PART;
    pub(crate) const SIZE: usize = Self::WORDS * size_of::<u32>();
    /// The number of bytes that the device writes back: the first two parts.
    pub(crate) const ANSWER: usize = 2 * Self::PART * size_of::<u32>();

    /// Returns an entry for a frame without a buffer: all lists are the dummy list.
    fn of_dummy(dummy: DummyNumbers) -> Self {
        let mut this = Self([0; Self::WORDS]);
        this.describe(0, MAX_LISTS * LIST_ENTRIES, DEVICE_PAGE - 1);
        for part in this.0.chunks_exact_mut(Self::PART) {
            part[LIST] = dummy.list;
        }
        this
    }

    /// Returns an entry for a frame that goes to the buffer of `lists`.
    fn of_buffer(lists: &Lists) -> Self {
        let layout = lists.layout;
        let last = (layout.offset + layout.size - 1) % DEVICE_PAGE;
        // Unused lists stay the dummy list.
        let mut this = Self::of_dummy(lists.dummy);
        this.describe(layout.offset, layout.pages(), last);
        for (part, list) in this.0.chunks_exact_mut(Self::PART).zip(&lists.pages) {
            part[LIST] = list.number;
        }
        this
    }

    fn describe(&mut self, offset: usize, pages: usize, last: usize) {
        self.0[CONTROL] = VALID;
        self.0[FIRST_PAGE_OFFSET] = offset as u32;
        self.0[LAST_PAGE] = last as u32 | (pages as u32) << 16;
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.0[CONTROL] & VALID != 0
    }

    pub(crate) fn offset(&self) -> usize {
        self.0[FIRST_PAGE_OFFSET] as usize
    }

    pub(crate) fn pages(&self) -> usize {
        (self.0[LAST_PAGE] >> 16) as usize
    }

    /// Returns the number of bytes that the entry has room for.
    pub(crate) fn room(&self) -> usize {
        let last = (self.0[LAST_PAGE] & 0xffff) as usize;
        (self.pages() * DEVICE_PAGE + last + 1).saturating_sub(DEVICE_PAGE + self.offset())
    }

    /// Returns the address of list `n`.
    pub(crate) fn list(&self, n: usize) -> Option<DmaAddress> {
        let number = self.0.get(n * Self::PART + LIST)?;
        Some(page_address(*number))
    }

    /// Returns the lower 16 bits of the frame's number; the device has no more.
    pub(crate) fn frame(&self) -> u16 {
        (self.0[FRAME] >> 16) as u16
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0[BYTES] as usize
    }

    /// Answers for the device that frame number `frame` was written.
    pub(crate) fn fill(&mut self, frame: u16, bytes: usize) {
        self.0[CONTROL] &= !VALID;
        self.0[FRAME] = u32::from(frame) << 16;
        self.0[BYTES] = bytes as u32;
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let mut this = Self([0; Self::WORDS]);
        for (word, bytes) in this.0.iter_mut().zip(bytes.chunks_exact(size_of::<u32>())) {
            let mut raw = [0; size_of::<u32>()];
            raw.copy_from_slice(bytes);
            *word = u32::from_le_bytes(raw);
        }
        this
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (bytes, word) in bytes.chunks_exact_mut(size_of::<u32>()).zip(self.0) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The number of entries of a frame table, and so the highest number of buffers.
pub(crate) const MAX_BUFFERS: usize = uapi::SGDMA_CAMERA_MAX_BUFFERS as usize;

// A frame table is a page.
static_assert!(MAX_BUFFERS * Entry::SIZE == DEVICE_PAGE);

/// A frame table: a ring whose entries the device fills one after the other.
pub(crate) struct FrameTable {
    page: DevicePage,
    dummy: DummyNumbers,
}

impl FrameTable {
    pub(crate) fn new(dma: DmaDevice<'_>, dummy: DummyNumbers) -> Result<Self> {
        let this = Self {
            page: DevicePage::new(dma)?,
            dummy,
        };
        (0..MAX_BUFFERS).try_for_each(|slot| this.clear(slot))?;
        Ok(this)
    }

    /// Sends the frame of `slot` to the buffer of `lists`.
    pub(crate) fn set(&self, slot: usize, lists: &Lists) -> Result {
        self.write(slot, Entry::of_buffer(lists))
    }

    /// Sends the frame of `slot` to the dummy page.
    pub(crate) fn clear(&self, slot: usize) -> Result {
        self.write(slot, Entry::of_dummy(self.dummy))
    }

    fn write(&self, slot: usize, entry: Entry) -> Result {
        // The word that makes the entry valid is written last. The device reads the entry only when
        // told to, and the register write that tells the device is ordered after these writes.
        for (i, word) in entry.0.into_iter().enumerate().rev() {
            self.page.set(slot * Entry::WORDS + i, word)?;
        }
        Ok(())
    }

    /// Returns the entry of `slot` as the device has left the entry.
    pub(crate) fn read(&self, slot: usize) -> Result<Entry> {
        let mut entry = Entry([0; Entry::WORDS]);
        for (i, word) in entry.0.iter_mut().enumerate() {
            *word = self.page.get(slot * Entry::WORDS + i)?;
        }
        Ok(entry)
    }

    pub(crate) fn address(&self, slot: usize) -> DmaAddress {
        self.page.address() + (slot * Entry::SIZE) as DmaAddress
    }

    /// Leaks the table to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.page.leak();
    }
}
