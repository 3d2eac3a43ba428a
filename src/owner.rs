// SPDX-License-Identifier: GPL-2.0

//! What the pages of a table belong to.

use crate::table::SgTable;
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    page::{
        BorrowedPage,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// Memory of whole pages that a table can be made over, by [`SgTable::new`].
///
/// A driver that gets its pages from elsewhere implements it once, with the one `unsafe` there is to
/// it; [`ByteBuffer`] is such an owner. Tables made by [`SgTable::alloc`] own their pages
/// themselves.
///
/// # Safety
///
/// As long as the value lives, wherever it is moved to:
///
/// - Each call of [`pages`](Self::pages) yields the same pages in the same order. They are ordinary
///   memory, not a device's, and stay allocated.
/// - Every byte of them is initialised, those beyond the part that is used too: a device behind an
///   IOMMU sees whole pages.
/// - While the value is in a table, nobody accesses the bytes but through the table.
///
/// # Examples
///
/// ```
/// # use core::ptr::NonNull;
/// # use kernel::{bindings, page::Page, prelude::*};
/// # use sgdma::{DmaDevice, PageOwner, SgTable};
/// /// A page that is zeroed when it is made.
/// struct OnePage(Page);
///
/// // SAFETY: The page is ours, it was zeroed, and nobody else is told of it.
/// unsafe impl PageOwner for OnePage {
///     fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
///         NonNull::new(self.0.as_ptr()).into_iter()
///     }
/// }
///
/// # fn table(dev: DmaDevice<'_>, page: OnePage) -> Result<SgTable<OnePage>> {
/// Ok(SgTable::new(page, 0..100, dev, GFP_KERNEL)?)
/// # }
/// ```
pub unsafe trait PageOwner {
    /// The pages, in the buffer's order.
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>>;
}

/// A vmalloc'd buffer of bytes as an owner of pages.
///
/// Its table lends the bytes as a slice while it is not mapped: [`SgTable::as_slice`].
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{ByteBuffer, DmaDevice, SgTable, ToDevice};
/// # fn upload(dev: DmaDevice<'_>, firmware: VVec<u8>) -> Result {
/// let bytes = ByteBuffer::from(firmware);
/// let len = bytes.len();
/// let mut table = SgTable::new(bytes, 0..len, dev, GFP_KERNEL)?;
/// table.as_mut_slice()[0] = 1;
/// let in_flight = table.map(dev, ToDevice)?.submit();
/// # drop(in_flight); Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// The bytes from `len()` to the end of the last page are zero.
pub struct ByteBuffer(VVec<u8>);

impl From<VVec<u8>> for ByteBuffer {
    /// Takes the bytes; the rest of the last page, which a device may see too, is zeroed.
    fn from(bytes: VVec<u8>) -> Self {
        let used = bytes.len() % PAGE_SIZE;
        let buffer = Self(bytes);
        // Through the page, for vmalloc may have given the vector less of it (KASAN knows).
        if let Some(last) = buffer.pages().last().filter(|_| used > 0) {
            // SAFETY: vmalloc gives whole pages, and this one stays for the vector's life.
            let last = unsafe { BorrowedPage::from_raw(last) };
            // SAFETY: What lies behind the vector's bytes is nobody else's.
            let zeroed = unsafe { last.fill_zero_raw(used, PAGE_SIZE - used) };
            debug_assert!(zeroed.is_ok(), "the range lies in the page");
        }
        // INVARIANT: Zeroed just now.
        buffer
    }
}

impl From<ByteBuffer> for VVec<u8> {
    fn from(buffer: ByteBuffer) -> Self {
        buffer.0
    }
}

impl core::ops::Deref for ByteBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::DerefMut for ByteBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

// SAFETY:
// - The vector is not resized in here, so its memory stays where it is, and its pages too.
// - Its bytes are initialised, and by the type invariants so is the rest of the last page.
// - Its bytes are reached through a reference to it only, which a table does not give away.
unsafe impl PageOwner for ByteBuffer {
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        self.0.chunks(PAGE_SIZE).filter_map(|chunk| {
            // SAFETY: The address is in memory that vmalloc has given.
            NonNull::new(unsafe { bindings::vmalloc_to_page(chunk.as_ptr().cast()) })
        })
    }
}

impl SgTable<ByteBuffer> {
    /// The buffer's bytes that the table is of; not the rest of its last page.
    pub fn as_slice(&self) -> &[u8] {
        &self.owner()[self.bytes()]
    }

    /// The same, to change them.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let bytes = self.bytes();
        &mut self.owner_mut()[bytes]
    }

    fn bytes(&self) -> Range<usize> {
        let (range, len) = (self.range(), self.owner().len());
        range.start.min(len)..range.end.min(len)
    }
}
