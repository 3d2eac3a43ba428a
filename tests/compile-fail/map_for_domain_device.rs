// SPDX-License-Identifier: GPL-2.0

//! A mapping of the DMA API for a device that is attached to a domain, and finds nothing of it.

use kernel::prelude::*;
use sgdma::*;

fn f(dev: DomainDevice<'_>, table: SgTable) -> Result {
    drop(table.map(dev, ToDevice)?);
    Ok(())
}
