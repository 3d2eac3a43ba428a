// SPDX-License-Identifier: GPL-2.0

//! Mapping the pages of a vector as the library's own pages are mapped.

use kernel::prelude::*;
use sgdma::*;

fn attrs_of<P: Exclusive>() -> MapAttrs {
    P::WHOLE_PAGES
}

fn f(dma: DmaDevice<'_>, table: SgTable<ByteBuffer>) -> Result {
    drop(table.map_attrs(dma, Bidirectional, attrs_of::<OwnedPages>())?);
    Ok(())
}
