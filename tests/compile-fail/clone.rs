// SPDX-License-Identifier: GPL-2.0

//! A second owner of a buffer, who would unmap and free it again.

use sgdma::*;

fn f(table: SgTable, mapped: Mapped<'_, ToDevice>, in_flight: InFlight<Mapped<'_, ToDevice>>) {
    let _ = table.clone();
    let _ = mapped.clone();
    let _ = in_flight.clone();
}
