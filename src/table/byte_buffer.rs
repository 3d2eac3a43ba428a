// SPDX-License-Identifier: GPL-2.0

//! Byte buffers: a vmalloc'd vector as an owner of pages.
//!
//! The bytes of a [`VVec`] lie in pages of their own, side by side for the CPU but anywhere in
//! memory. A table can be made of these pages without a copy.

use crate::{
    ffi,
    table::{
        page_owner::PageOwner,
        sg_table::SgTable, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A vmalloc'd vector of bytes, of which [`SgTable::new`] makes a table.
///
/// While that table is not mapped, it lends the bytes as a slice: [`SgTable::as_slice`].
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{ByteBuffer, DmaDevice, SgTable, ToDevice};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let firmware = VVec::from_elem(7u8, 100_000, GFP_KERNEL)?;
/// // All but the first 16 bytes, without a copy.
/// let mut table = SgTable::new(ByteBuffer::from(firmware), 16..100_000, dev, GFP_KERNEL)?;
/// table.as_mut_slice()[0] = 1;
/// let in_flight = table.map(dev, ToDevice)?.submit();
/// // The device reads the buffer here.
/// let table = in_flight.complete().unmap();
/// assert_eq!(table.as_slice()[..2], [1, 7]);
/// let firmware = VVec::from(table.into_owner());
/// assert_eq!((firmware.len(), firmware[16]), (100_000, 1));
/// # Ok(())
/// # }
/// ```
///
/// Safe code may have mapped the vector's pages to user space before, with `VVec::page_iter()` and
/// `VmaMixedMap::vm_insert_page()`. If somebody else refers to one of the pages when the
/// `ByteBuffer` is made, no table can be made of it: [`SgTable::new`] returns `EINVAL`.
///
/// Dropping a `ByteBuffer`, or a table of it, may sleep.
///
/// # Invariants
///
/// - The bytes from `len()` to the end of the last page are initialised.
/// - If `alone` is true, nobody but the vector refers to the pages.
pub struct ByteBuffer {
    bytes: VVec<u8>,
    alone: bool,
}

/// Returns the pages that hold a vector's bytes: `vmalloc_to_page()`.
fn vmalloc_pages(bytes: &VVec<u8>) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
    bytes.chunks(PAGE_SIZE).filter_map(|chunk| {
        // SAFETY: The address lies in memory that vmalloc has allocated, and the vector owns.
        NonNull::new(unsafe { bindings::vmalloc_to_page(chunk.as_ptr().cast()) })
    })
}

impl From<VVec<u8>> for ByteBuffer {
    /// Takes the vector, and zeroes the bytes between its end and the end of the last page. A
    /// device behind an IOMMU sees these, too.
    fn from(bytes: VVec<u8>) -> Self {
        let used = bytes.len() % PAGE_SIZE;
        if used > 0 {
            let last = bytes.as_ptr().wrapping_add(bytes.len() - used);
            // SAFETY:
            // - `last` lies in memory that vmalloc has allocated, so it has a page.
            // - vmalloc allocates whole pages, so that page belongs to the vector up to its end.
            //   The bytes from `used` on are behind the vector's bytes, and nobody reads them.
            unsafe { ffi::sgdma_zero_page_from(bindings::vmalloc_to_page(last.cast()), used) };
        }
        let alone = vmalloc_pages(&bytes)
            // SAFETY: The page is valid, as the vector owns it.
            .all(|page| unsafe { ffi::sgdma_page_is_unshared(page.as_ptr()) });
        // INVARIANT:
        // - The bytes behind the vector's were zeroed above.
        // - `alone` is true if nobody else refers to a page now. Nobody can come to refer to one
        //   later, because a `ByteBuffer` lends its bytes but not its vector or its pages.
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
// - Nothing in a `ByteBuffer` resizes the vector, so it keeps its memory, and the pages and their
//   order stay the same. vmalloc puts a page at one address only. The pages hold all `len()` bytes;
//   if there are no pages because `alone` is false, no table can be made.
// - The vector keeps its pages allocated until it is dropped.
// - vmalloc's pages are ordinary memory, which `kmap_local_page()` can read and write.
// - The vector's bytes are initialised, and by the type invariants so is the rest of the last page.
// - While the value is in a table, safe code reaches the bytes only through a reference that the
//   table lends. By the type invariants, nobody else refers to the pages if `pages()` yields any.
unsafe impl PageOwner for ByteBuffer {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        // Without pages, `SgTable::new()` fails.
        self.alone
            .then(|| vmalloc_pages(&self.bytes))
            .into_iter()
            .flatten()
    }
}

impl SgTable<ByteBuffer> {
    /// Returns the bytes of the buffer.
    pub fn as_slice(&self) -> &[u8] {
        &self.owner()[self.range()]
    }

    /// Returns the bytes of the buffer, to change them.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let range = self.range();
        &mut self.owner_mut()[range]
    }
}
