// SPDX-License-Identifier: GPL-2.0

//! A dma-buf that was never attached.

use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use sgdma::*;

fn f<'bound>(of: Attached<'bound, ToDevice>) -> Attached<'bound, FromDevice> {
    let mapping = ManuallyDrop::new(of.mapping);
    Attached {
        dev: of.dev,
        mapping,
        _direction: PhantomData,
    }
}
