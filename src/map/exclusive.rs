// SPDX-License-Identifier: GPL-2.0

//! Pages that are used through their table alone.

use crate::{
    map::attrs::MapAttrs,
    table::{
        owned_pages::OwnedPages,
        page_owner::PageOwner, //
    }, //
};

/// Pages that are used through their table alone: the table's own, and those of a [`PageOwner`].
///
/// Those of a [`UserTable`](crate::UserTable) are not, for user space uses them too, and may be
/// allowed only to read.
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
        /// How pages of this kind are mapped: whole, if nobody has a use for their other bytes.
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
