// SPDX-License-Identifier: GPL-2.0

//! A page that was freed with its table.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let page = mapped.cpu().cpu_pages().next();
    drop(mapped);
    let _ = page.map(|page| page.as_ptr());
}
