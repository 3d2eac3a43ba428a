// SPDX-License-Identifier: GPL-2.0

//! A driver whose operation does not end by itself. A program unbinds the device meanwhile.

#[path = "../../../samples/common/mod.rs"]
mod common;
mod uapi;

use common::edu;
use kernel::{
    device::Core,
    pci,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    time::{
        delay::fsleep,
        Delta,
        Jiffies, //
    }, //
};
use sgdma::{
    Door,
    DriverContext,
    FileOps,
    NoHandlers, //
};

static COUNT_LATE: Atomic<i32> = Atomic::new(0);
static COUNT_WOKEN: Atomic<i32> = Atomic::new(0);

struct Linger;

struct Data {
    /// `true` once the driver was told that unbinding has begun.
    told: Atomic<bool>,
}

impl sgdma::Driver for Linger {
    type Data<'bound> = Data;
    type Files = File;
    type Handlers = NoHandlers;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}

edu::driver! {
    Linger, 64, |_, _| Ok::<Data, Error>(Data { told: Atomic::new(false) });

    fn unbind<'bound>(_pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data>) {
        data.told.store(true, Release);
    }
}

struct File;

#[vtable]
impl FileOps<Linger> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_linger");

    fn open(_: &DriverContext<'_, Linger>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn ioctl(&self, door: &Door<'_, Linger>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_LINGER_SLEEP => door.enter(|ctx| linger(ctx, arg)),
            uapi::SGDMA_LINGER_LATE => Ok(COUNT_LATE.load(Relaxed) as isize),
            uapi::SGDMA_LINGER_WOKEN => Ok(COUNT_WOKEN.load(Relaxed) as isize),
            _ => Err(ENOTTY),
        }
    }
}

fn linger(ctx: &DriverContext<'_, Linger>, micros: usize) -> Result<isize> {
    fsleep(Delta::from_micros(micros.min(10_000) as i64));
    // In this order: if the driver was told of the unbinding, its operations must see it, too.
    let told = ctx.told.load(Acquire);
    if ctx.unbinding().has_begun() {
        COUNT_LATE.fetch_add(1, Relaxed);
        return Err(ENODEV);
    }
    if told {
        return Err(EDOM);
    }
    let result = ctx.unbinding().wait(Jiffies::MAX, || false);
    if result == Err(ENODEV) {
        COUNT_WOKEN.fetch_add(1, Relaxed);
        if !ctx.unbinding().has_begun() {
            return Err(EDOM);
        }
    }
    result.map(|()| 0)
}

sgdma::module_pci_driver! {
    type: Linger,
    name: "sgdma_linger",
    authors: ["sgdma developers"],
    description: "Sleeps in an operation until it is unbound",
    license: "GPL",
}
