// SPDX-License-Identifier: GPL-2.0

//! Submitting a buffer that is the CPU's, before its guard has handed it over.

use sgdma::*;

fn f(mut mapped: Mapped<'_, ToDevice>) {
    let mut cpu = mapped.for_cpu();
    let _in_flight = mapped.submit();
    let _ = cpu.copy_from_slice(0, &[0]);
}
