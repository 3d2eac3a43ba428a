// SPDX-License-Identifier: GPL-2.0

//! What the device finds a frame's pages by, as ipu3-cio2 has it.
//!
//! A list (LOP, list of pointers) is a page of 1024 entries of 32 bits, each the number of a DMA
//! page. The frame table (FBPT, frame buffer pointer table) is a page, too: an entry of it is
//! a buffer, and has up to eight lists, where in the first page the frame begins, and where in the
//! last one it ends. Whatever has no page of its own points to the dummy page: the device may run
//! ahead, or on.

use kernel::{
    dma::{
        Coherent,
        DmaAddress, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    DmaTable, //
};

/// The device's pages, in bytes, whatever those of the CPU are.
pub(crate) const DEVICE_PAGE: usize = 4096;
const DEVICE_PAGE_SHIFT: u32 = DEVICE_PAGE.trailing_zeros();

pub(crate) const MAX_LISTS: usize = 8;
pub(crate) const LIST_ENTRIES: usize = DEVICE_PAGE / size_of::<u32>();

/// The number of a DMA page, as an entry has it.
fn page_number(addr: DmaAddress) -> Result<u32> {
    if addr % DEVICE_PAGE as DmaAddress != 0 {
        return Err(ERANGE);
    }
    Ok(u32::try_from(addr >> DEVICE_PAGE_SHIFT)?)
}

/// The address of the DMA page with this number.
pub(crate) fn page_address(number: u32) -> DmaAddress {
    DmaAddress::from(number) << DEVICE_PAGE_SHIFT
}

/// Where in a buffer a frame lies.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// In the first page.
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Layout {
    /// Unless there are not enough lists.
    pub(crate) fn new(offset: usize, size: usize) -> Result<Self> {
        let this = Self { offset, size };
        if offset >= DEVICE_PAGE || size == 0 {
            return Err(EINVAL);
        }
        if this.lists() > MAX_LISTS {
            return Err(E2BIG);
        }
        Ok(this)
    }

    pub(crate) fn pages(self) -> usize {
        (self.offset + self.size).div_ceil(DEVICE_PAGE)
    }

    /// One entry more than pages, for the dummy page.
    pub(crate) fn entries(self) -> usize {
        self.pages() + 1
    }

    pub(crate) fn lists(self) -> usize {
        self.entries().div_ceil(LIST_ENTRIES)
    }

    /// What to allocate: whole pages of both, so that a segment begins where a page does, also in a
    /// bounce buffer, and user space gets nobody else's bytes.
    pub(crate) fn buffer_len(self) -> usize {
        (self.pages() * DEVICE_PAGE).next_multiple_of(PAGE_SIZE)
    }
}

/// A page that the device reads or writes at any time: coherent, as in ipu3-cio2.
pub(crate) struct DevicePage {
    /// None if it was lost.
    words: Option<Coherent<[u32]>>,
    number: u32,
}

impl DevicePage {
    pub(crate) fn new(dma: DmaDevice<'_>) -> Result<Self> {
        let words = Coherent::zeroed_slice(dma.device(), LIST_ENTRIES, GFP_KERNEL_ACCOUNT)?;
        Ok(Self {
            number: page_number(words.dma_handle())?,
            words: Some(words),
        })
    }

    pub(crate) fn address(&self) -> DmaAddress {
        page_address(self.number)
    }

    fn get(&self, at: usize) -> Result<u32> {
        let words = self.words.as_ref().ok_or(EIO)?;
        Ok(u32::from_le(kernel::dma_read!(words, [try: at])))
    }

    fn set(&self, at: usize, value: u32) -> Result {
        let words = self.words.as_ref().ok_or(EIO)?;
        kernel::dma_write!(words, [try: at], value.to_le());
        Ok(())
    }

    /// Gives it up to a device that does not answer, and may still be at it.
    pub(crate) fn lose(&mut self) {
        core::mem::forget(self.words.take());
    }
}

/// Where the device goes when it has nowhere to go: a page, and a list of nothing but this.
pub(crate) struct Dummy {
    page: DevicePage,
    list: DevicePage,
}

/// The numbers of both pages.
#[derive(Clone, Copy)]
pub(crate) struct DummyNumbers {
    pub(crate) page: u32,
    list: u32,
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

    /// What the device has written there.
    pub(crate) fn read(&self, page: &mut [u8; DEVICE_PAGE]) -> Result {
        for (i, word) in page.chunks_exact_mut(size_of::<u32>()).enumerate() {
            word.copy_from_slice(&self.page.get(i)?.to_le_bytes());
        }
        Ok(())
    }

    pub(crate) fn lose(&mut self) {
        self.page.lose();
        self.list.lose();
    }
}

/// The lists of one buffer.
pub(crate) struct Lists {
    layout: Layout,
    dummy: DummyNumbers,
    pages: KVec<DevicePage>,
    /// Of the frame's first and last pages.
    pub(crate) first: [u32; 4],
    pub(crate) last: u32,
}

impl Lists {
    /// Fills them with the pages of `buffer`: the DMA walk.
    pub(crate) fn new(
        dma: DmaDevice<'_>,
        buffer: &DmaTable,
        layout: Layout,
        dummy: DummyNumbers,
    ) -> Result<Self> {
        let mut this = Self {
            layout,
            dummy,
            pages: KVec::with_capacity(layout.lists(), GFP_KERNEL_ACCOUNT)?,
            first: [0; 4],
            last: dummy.page,
        };
        let blocks = buffer.dma_blocks(DEVICE_PAGE as u64)?;
        if blocks.offset() != 0 {
            return Err(ERANGE);
        }
        let mut blocks = blocks.take(layout.pages()).enumerate();
        for _ in 0..layout.lists() {
            let list = DevicePage::new(dma)?;
            for at in 0..LIST_ENTRIES {
                // What is left of the last list leads to the dummy page.
                let Some((i, addr)) = blocks.next() else {
                    list.set(at, dummy.page)?;
                    continue;
                };
                this.last = page_number(addr)?;
                if let Some(first) = this.first.get_mut(i) {
                    *first = this.last;
                }
                list.set(at, this.last)?;
            }
            this.pages.push(list, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(this)
    }

    pub(crate) fn lose(&mut self) {
        self.pages.iter_mut().for_each(DevicePage::lose);
    }
}

/// An entry of the frame table has a part for each list, of which two say more:
///
/// | | word 0 | 1 | 2 | 3 |
/// |---|---|---|---|---|
/// | first | control | line, frame | offset in the first page | list |
/// | second | time | bytes written | last byte of the last page, pages | list |
/// | others | | | | list |
///
/// The same is read by the driver and, by DMA, by the device.
#[derive(Clone, Copy)]
pub(crate) struct Entry([u32; Self::WORDS]);

/// The entry has a buffer, or the dummy page, for the device to fill; it takes that back.
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
    /// What the device writes back: the first two parts.
    pub(crate) const ANSWER: usize = 2 * Self::PART * size_of::<u32>();

    /// All dummy, for a frame that nobody has a buffer for.
    fn of_dummy(dummy: DummyNumbers) -> Self {
        let mut this = Self([0; Self::WORDS]);
        this.describe(0, MAX_LISTS * LIST_ENTRIES, DEVICE_PAGE - 1);
        for part in this.0.chunks_exact_mut(Self::PART) {
            part[LIST] = dummy.list;
        }
        this
    }

    fn of_buffer(lists: &Lists) -> Self {
        let layout = lists.layout;
        let last = (layout.offset + layout.size - 1) % DEVICE_PAGE;
        // Lists that are not used are the dummy one.
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

    /// How many bytes there is room for.
    pub(crate) fn room(&self) -> usize {
        let last = (self.0[LAST_PAGE] & 0xffff) as usize;
        (self.pages() * DEVICE_PAGE + last + 1).saturating_sub(DEVICE_PAGE + self.offset())
    }

    /// The address of the list with this number.
    pub(crate) fn list(&self, n: usize) -> Option<DmaAddress> {
        let number = self.0.get(n * Self::PART + LIST)?;
        Some(page_address(*number))
    }

    /// Of the 16 bits that the device has for it.
    pub(crate) fn frame(&self) -> u16 {
        (self.0[FRAME] >> 16) as u16
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0[BYTES] as usize
    }

    /// The device says that it has written a frame.
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

/// How many buffers a frame table has entries for.
pub(crate) const MAX_BUFFERS: usize = DEVICE_PAGE / Entry::SIZE;

/// A frame table: a ring, whose entries the device fills one after the other.
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

    /// Has a frame go into a buffer.
    pub(crate) fn set(&self, slot: usize, lists: &Lists) -> Result {
        self.write(slot, Entry::of_buffer(lists))
    }

    /// Has a frame go nowhere.
    pub(crate) fn clear(&self, slot: usize) -> Result {
        self.write(slot, Entry::of_dummy(self.dummy))
    }

    fn write(&self, slot: usize, entry: Entry) -> Result {
        // What makes it valid comes last. The device looks at it only when it is told to, and
        // whatever tells it so orders that behind all of these.
        for (i, word) in entry.0.into_iter().enumerate().rev() {
            self.page.set(slot * Entry::WORDS + i, word)?;
        }
        Ok(())
    }

    /// As the device has left it.
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

    pub(crate) fn lose(&mut self) {
        self.page.lose();
    }
}
