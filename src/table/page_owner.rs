// SPDX-License-Identifier: GPL-2.0

//! Owners of pages: the values that the pages of a table belong to.
//!
//! A table does not free its pages. It keeps their owner, and drops the owner when the table is
//! dropped and no device uses the pages any more.

use core::ptr::NonNull;
use kernel::bindings;

/// An owner of whole pages, of which [`SgTable::new`](crate::SgTable::new) makes a table.
///
/// A driver implements this trait for memory that it gets from elsewhere. For a vmalloc'd buffer
/// there is [`ByteBuffer`](crate::ByteBuffer). A table made by
/// [`SgTable::alloc`](crate::SgTable::alloc) needs no implementation: it owns its pages.
///
/// # Safety
///
/// The following holds from the first call of [`pages`](Self::pages) until the value is dropped,
/// wherever the value is moved to. It holds for ever if the value is never dropped, as happens to a
/// buffer that a device may still be writing.
///
/// - Each call of `pages` yields the same pages in the same order, none of them twice, with room
///   for [`len`](Self::len) bytes.
/// - The pages stay allocated.
/// - `kmap_local_page()` can read and write the pages: they are not memory of a device, the
///   kernel's text, a stack or slab objects.
/// - Every byte of the pages is initialised, also those beyond `len`, because a device behind an
///   IOMMU sees whole pages.
/// - While the value is in a table, nobody accesses the bytes except through the table.
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
/// // SAFETY:
/// // - `pages()` yields one page, always the same one, of `PAGE_SIZE` bytes.
/// // - The page was allocated, and is freed when the value is dropped. It is ordinary memory.
/// // - All of its bytes were zeroed.
/// // - Nobody else has a pointer to the page, as the field is private.
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
    reason = "no table can be made of an empty owner"
)]
pub unsafe trait PageOwner: Send + 'static {
    /// Returns the number of bytes that tables can be made of.
    fn len(&self) -> usize;

    /// Returns the pages, in the buffer's order.
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>>;
}
