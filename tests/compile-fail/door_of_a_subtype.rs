// SPDX-License-Identifier: GPL-2.0

//! Entering with the data of a driver whose type is a supertype of the door's.

mod driver;

use core::marker::PhantomData;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

struct Of<T>(PhantomData<T>);
type Sub = Of<for<'a> fn(&'a ())>;
type Super = Of<fn(&'static ())>;

// SAFETY: Never registered, as it does not compile.
unsafe impl DriverModule for Sub {
    const MODULE: &'static ThisModule = <driver::Gpu as DriverModule>::MODULE;
}

impl sgdma::Driver for Sub {
    type Data<'bound> = usize;
    type Files = NoFiles;
    type Handlers = sgdma::NoHandlers;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}

// SAFETY: As above.
unsafe impl DriverModule for Super {
    const MODULE: &'static ThisModule = <driver::Gpu as DriverModule>::MODULE;
}

impl sgdma::Driver for Super {
    type Data<'bound> = &'static [u8];
    type Files = NoFiles;
    type Handlers = sgdma::NoHandlers;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}

fn f<'a, 'door>(door: &'a Door<'door, Sub>) -> &'a Door<'door, Super> {
    door
}
