// SPDX-License-Identifier: GPL-2.0

//! A buffer that the exporter wants back after unbind, when nobody would give it back.

use sgdma::*;

fn f<'bound>(buffer: Revocable<'bound, ToDevice>) -> Revocable<'static, ToDevice> {
    buffer
}
