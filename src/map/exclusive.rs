// SPDX-License-Identifier: GPL-2.0

//! Owners of pages that are accessed through one table only.

use crate::{
    map::{
        attrs::MapAttrs,
        reserved::RangePlace, //
    },
    table::{
        owned_pages::OwnedPages,
        page_owner::PageOwner, //
    }, //
};
use kernel::{
    alloc::Flags,
    prelude::*, //
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
    use super::*;

    /// A driver cannot name this trait, but its generic code can use what is in it.
    pub trait Exclusive {
        /// True if the bytes of the first and the last page that are not the buffer's are unused.
        const WHOLE_PAGES: bool;

        /// Makes a place for a range in which tables of this owner are linked.
        fn place_of_range(gfp: Flags) -> Result<RangePlace<Self>>
        where
            Self: Sized,
        {
            RangePlace::new(gfp)
        }
    }
}

impl Exclusive for OwnedPages {}
impl sealed::Exclusive for OwnedPages {
    const WHOLE_PAGES: bool = true;

    // Out of line: inlined into a driver, the place would refer to code of the driver's module.
    #[inline(never)]
    fn place_of_range(gfp: Flags) -> Result<RangePlace<Self>> {
        RangePlace::new_ours(gfp)
    }
}

impl<P: PageOwner> Exclusive for P {}
impl<P: PageOwner> sealed::Exclusive for P {
    const WHOLE_PAGES: bool = false;
}

impl MapAttrs {
    /// Returns the attributes to map the pages of an owner `P` with: `WHOLE_PAGES`, or none.
    pub(crate) const fn of_owner<P: Exclusive>() -> Self {
        if P::WHOLE_PAGES {
            Self::WHOLE_PAGES
        } else {
            Self::NONE
        }
    }
}
