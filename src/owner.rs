// SPDX-License-Identifier: GPL-2.0

//! What the pages of a table belong to.

use crate::{
    ffi,
    table::SgTable, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    page::PAGE_SIZE,
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
/// From the first call of [`pages`](Self::pages) until the value is dropped, wherever it is moved
/// to, and for ever if it is not dropped, for a buffer that a device may be writing is kept:
///
/// - Each call yields the same pages in the same order, none of them twice, with room for
///   [`len`](Self::len) bytes.
/// - They stay allocated. They are memory that `kmap_local_page()` can read and write: not a
///   device's, nor the kernel's text, a stack or slab objects.
/// - Every byte of them is initialised, those beyond `len` too: a device behind an IOMMU sees whole
///   pages.
/// - While the value is in a table, nobody accesses the bytes but through the table.
///
/// # Examples
///
/// ```
/// # use core::ptr::NonNull;
/// # use kernel::{bindings, page::{Page, PAGE_SIZE}, prelude::*};
/// # use sgdma::{DmaDevice, PageOwner, SgTable};
/// /// A page that is zeroed when it is made.
/// struct OnePage(Page);
///
/// // SAFETY: The page is ours, it was zeroed, and nobody else is told of it.
/// unsafe impl PageOwner for OnePage {
///     fn len(&self) -> usize {
///         PAGE_SIZE
///     }
///
///     fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
///         NonNull::new(self.0.as_ptr()).into_iter()
///     }
/// }
///
/// # fn table(dev: DmaDevice<'_>, page: OnePage) -> Result<SgTable<OnePage>> {
/// Ok(SgTable::new(page, 0..100, dev, GFP_KERNEL)?)
/// # }
/// ```
#[expect(
    clippy::len_without_is_empty,
    reason = "no table is made of an empty one"
)]
pub unsafe trait PageOwner: Send + 'static {
    /// How many bytes there are to make tables of.
    fn len(&self) -> usize;

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
/// Safe code can have given the vector's pages to user space before: `VVec::page_iter()` and
/// `VmaMixedMap::vm_insert_page()`. As long as somebody refers to one of them, no table can be made
/// of the buffer: [`SgTable::new`] gives `EINVAL`. Dropping it, or what it is in, may sleep.
///
/// # Invariants
///
/// - The bytes from `len()` to the end of the last page are initialised.
/// - If `alone`, nobody else refers to the pages.
pub struct ByteBuffer {
    bytes: VVec<u8>,
    alone: bool,
}

/// Returns the pages of a vector's bytes.
fn vmalloc_pages(bytes: &VVec<u8>) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
    bytes.chunks(PAGE_SIZE).filter_map(|chunk| {
        // SAFETY: The address is in memory that vmalloc has given.
        NonNull::new(unsafe { bindings::vmalloc_to_page(chunk.as_ptr().cast()) })
    })
}

impl From<VVec<u8>> for ByteBuffer {
    /// Takes the bytes; the rest of the last page, which a device may see too, is zeroed.
    fn from(bytes: VVec<u8>) -> Self {
        let used = bytes.len() % PAGE_SIZE;
        if used > 0 {
            let last = bytes.as_ptr().wrapping_add(bytes.len() - used);
            // SAFETY: vmalloc gives whole pages, so the last one is there to its end; what lies
            // behind the vector's bytes is nobody else's.
            unsafe { ffi::sgdma_zero_page_from(bindings::vmalloc_to_page(last.cast()), used) };
        }
        let alone = vmalloc_pages(&bytes)
            // SAFETY: The page is the vector's.
            .all(|page| unsafe { ffi::sgdma_page_is_unshared(page.as_ptr()) });
        // INVARIANT: Zeroed just now; and looked at: who does not refer to a page cannot come to do
        // so, for nothing in here gives them out.
        Self { bytes, alone }
    }
}

impl From<ByteBuffer> for VVec<u8> {
    fn from(buffer: ByteBuffer) -> Self {
        buffer.bytes
    }
}

impl core::ops::Deref for ByteBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl core::ops::DerefMut for ByteBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

// SAFETY:
// - The vector is not resized in here, so its memory stays where it is, and its pages too. They are
//   vmalloc's, each once.
// - Its bytes are initialised, and by the type invariants so is the rest of the last page.
// - Its bytes are reached through a reference to it only, which a table does not give away: by the
//   type invariants nobody else has its pages.
unsafe impl PageOwner for ByteBuffer {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        // None make no table.
        self.alone
            .then(|| vmalloc_pages(&self.bytes))
            .into_iter()
            .flatten()
    }
}

impl SgTable<ByteBuffer> {
    /// The bytes that the table is of.
    pub fn as_slice(&self) -> &[u8] {
        &self.owner()[self.range()]
    }

    /// The same, to change them.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let range = self.range();
        &mut self.owner_mut()[range]
    }
}
