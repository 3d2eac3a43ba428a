// SPDX-License-Identifier: GPL-2.0

//! Owners of pages that are accessed through one table only.

use crate::{
    map::attrs::MapAttrs,
    table::{
        owned_pages::OwnedPages,
        page_owner::PageOwner, //
    }, //
};

/// An owner of pages that are accessed through one table only: [`OwnedPages`], or a [`PageOwner`].
///
/// The pages of a [`UserTable`](crate::UserTable) are not exclusive: user space accesses them too,
/// and may be allowed to read them only.
///
/// ```
/// # use sgdma::{ByteBuffer, Exclusive, OwnedPages};
/// fn is<P: Exclusive>() {}
/// is::<OwnedPages>();
/// is::<ByteBuffer>();
/// ```
pub trait Exclusive: sealed::Exclusive + Send + 'static {}

mod sealed {
    use crate::map::attrs::MapAttrs;

    pub trait Exclusive {
        /// The attributes to map such pages with: `WHOLE_PAGES` if the bytes of the first and the
        /// last page that are not the buffer's are unused.
        const PAGES: MapAttrs;
    }
}

impl Exclusive for OwnedPages {}
impl sealed::Exclusive for OwnedPages {
    const PAGES: MapAttrs = MapAttrs::WHOLE_PAGES;
}

impl<P: PageOwner> Exclusive for P {}
impl<P: PageOwner> sealed::Exclusive for P {
    const PAGES: MapAttrs = MapAttrs::NONE;
}
