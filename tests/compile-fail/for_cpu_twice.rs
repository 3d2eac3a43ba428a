// SPDX-License-Identifier: GPL-2.0

//! Two owners among the CPU's guards: the first that ends would hand the other's bytes over.

use sgdma::*;

fn f(mut mapped: Mapped<'_, Bidirectional>, bytes: &mut [u8]) {
    let mut one = mapped.for_cpu();
    let mut other = mapped.for_cpu();
    let _ = one.copy_to_slice(0, bytes);
    let _ = other.copy_to_slice(0, bytes);
}
