// SPDX-License-Identifier: GPL-2.0

//! Pages of an owner in a domain, where devices would see the bytes beside the buffer, too.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>, table: SgTable<ByteBuffer>) -> Result {
    drop(table.map_at(dev, 1 << 32, ToDevice)?);
    Ok(())
}
