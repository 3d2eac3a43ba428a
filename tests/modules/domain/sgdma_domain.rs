// SPDX-License-Identifier: GPL-2.0

//! A driver whose devices are attached to domains.
//!
//! A program writes to the node, a word at a time, and the driver does that. Read in this order:
//!
//! - this file: the driver, and the node with its words
//! - `table.rs`: tables whose bytes are known, and where the IOMMU leads
//! - `map.rs`: mapping in a domain: what is refused, and random programs
//! - `devices.rs`: what devices find in their domain, and in another one

#[path = "../../../samples/common/mod.rs"]
mod common;
mod devices;
mod map;
#[path = "../../../src/tests/random.rs"]
#[allow(dead_code)]
mod random;
mod table;

use common::{
    edu,
    engine::Engine, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    iov::IovIterSource,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    }, //
};
use sgdma::{
    Bidirectional,
    DomainData,
    DomainDevice,
    DomainMapping,
    DriverContext,
    FileOps,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};

struct Domains;

/// The number of words "data" that devices of one domain were given.
struct Count(Atomic<u32>);

impl DomainData for Count {
    fn new() -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self(Atomic::new(0)))
    }
}

/// A device of the driver.
type Member<'bound> = DomainDevice<'bound, Count>;

#[pin_data]
struct Data<'bound> {
    dma: Member<'bound>,
    #[pin]
    engine: Engine<'bound, Member<'bound>>,
    /// A mapping that is given to the device, in quarantine.
    #[pin]
    held: Mutex<Option<DomainMapping<Bidirectional>>>,
}

impl sgdma::Driver for Domains {
    type Data<'bound> = Data<'bound>;
    type Files = File;
    type Handlers = Self;
    type Dma<'bound> = Member<'bound>;

    fn domain(_dev: &Device<Bound>) -> Option<u32> {
        (sgdma::parameter(&module_parameters::shared) != 0).then_some(7)
    }
}

edu::driver! {
    Domains, 64, |pdev, dma| pin_init::pin_init_scope(move || {
        Ok(try_pin_init!(Data {
            engine <- Engine::of(pdev, dma, Member::unbinding(dma)),
            held <- new_mutex!(None),
            dma,
        }))
    });

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data<'bound>>) -> Quiet {
        if LEAVE.xchg(false, Relaxed) {
            return Quiet::Unknown;
        }
        data.engine.stop()
    }
}

#[vtable]
impl Handlers<Self> for Domains {
    fn irq(ctx: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        ctx.engine.irq()
    }
}

/// True if the next `stop` does not say that the device is done.
static LEAVE: Atomic<bool> = Atomic::new(false);

struct File;

#[vtable]
impl FileOps<Domains> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_domain");

    fn open(_: &DriverContext<'_, Domains>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Domains>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut word = [0; 16];
        let n = src.copy_from_iter(&mut word);
        match word[..n].trim_ascii() {
            b"refuse" => map::refuse(ctx.dma()),
            b"random" => map::random(ctx.dma()),
            b"allocate" => map::allocate(ctx.dma()),
            b"scattered" => ctx.copy_scattered(),
            b"turns" => ctx.take_turns(),
            b"publish" => ctx.publish(),
            b"use" => ctx.use_published(),
            b"trespass" => ctx.trespass(),
            b"retire" => devices::retire(),
            b"data" => {
                let count = ctx.dma().data().0.fetch_add(1, Relaxed) + 1;
                dev_info!(ctx.device(), "data: {}\n", count);
                Ok(())
            }
            b"drop" => ctx.drop_in_flight(),
            b"reset" => ctx.reset(),
            b"leave" => {
                LEAVE.store(true, Relaxed);
                Ok(())
            }
            _ => Err(EINVAL),
        }?;
        Ok(n)
    }
}

sgdma::module_pci_driver! {
    type: Domains,
    name: "sgdma_domain",
    authors: ["sgdma developers"],
    description: "Maps buffers in domains, and has edu devices use them",
    license: "GPL",
    params: {
        shared: u8 {
            default: 1,
            description: "1: all devices share a domain, 0: each has its own",
        },
    },
}
