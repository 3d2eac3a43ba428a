// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to a shared table that was unlinked, and may have been freed.

use sgdma::*;

fn f<'bound>(range: &mut Iova<'bound, ToDevice>, dev: CoherentDevice<'bound>) -> Result<u32, ()> {
    let shared = range.shared(0, dev).map_err(|_| ())?;
    drop(range.unlink(0));
    shared.read(0).map_err(|_| ())
}
