// SPDX-License-Identifier: GPL-2.0

//! What the pages of a table belong to.

use core::ptr::NonNull;
use kernel::bindings;

/// Memory of whole pages that a table can be made over, by [`SgTable::new`](crate::SgTable::new).
///
/// A driver that gets its pages from elsewhere implements it once, with the one `unsafe` there is to
/// it; [`ByteBuffer`](crate::ByteBuffer) is such an owner. Tables made by [`SgTable::alloc`](crate::SgTable::alloc) own their pages
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
