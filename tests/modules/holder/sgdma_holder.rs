// SPDX-License-Identifier: GPL-2.0

//! A driver that does not give back what an exporter takes back.
//!
//! A program writes to the node: "hold N" maps the dma-buf of its descriptor N, and has the device
//! write to its first bytes again and again. "reset" ends that, and states that the device was
//! reset.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu::{
    self,
    Bar,
    DMA_CMD,
    INNER_BUFFER,
    TIMEOUT_MS, //
};
use kernel::{
    device::Core,
    dma::DmaAddress,
    iov::IovIterSource,
    new_mutex,
    pci,
    prelude::*,
    sync::Mutex, //
};
use sgdma::{
    Bidirectional,
    DmaBuf,
    DmaDevice,
    DriverContext,
    FileOps,
    Handlers,
    InFlight,
    Quiet,
    Revocable,
    SgTable,
    ToDevice, //
};

struct Holder;

/// A buffer that the device uses, and where it begins.
struct Held<'bound> {
    _buffer: InFlight<Revocable<'bound, Bidirectional>>,
    addr: DmaAddress,
}

#[pin_data]
struct Data<'bound> {
    bar: Bar<'bound>,
    /// Held for each transfer.
    #[pin]
    held: Mutex<Option<Held<'bound>>>,
}

impl sgdma::Driver for Holder {
    type Data<'bound> = Data<'bound>;
    type Files = Node;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

edu::driver! {
    Holder, 64, |pdev, _dma| pin_init::pin_init_scope(move || {
        let bar = edu::registers(pdev)?;
        Ok(try_pin_init!(Data {
            bar,
            held <- new_mutex!(None),
        }))
    });

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data<'bound>>) -> Quiet {
        edu::wait_idle(&data.bar, TIMEOUT_MS).unwrap_or(Quiet::Unknown)
    }
}

/// The bytes that the device writes.
const BYTES: [u8; 8] = [0x5a; 8];

/// The work items: one that should unmap the buffer, and one that has the device write.
const UNMAP: u32 = 0;
const WRITE: u32 = 1;

#[vtable]
impl Handlers<Self> for Holder {
    const WORK_ITEMS: u32 = 2;

    fn work(ctx: &DriverContext<'_, Self>, item: u32) {
        if item == UNMAP {
            dev_info!(ctx.device(), "told to give a buffer back\n");
            return;
        }
        while !ctx.unbinding().has_begun() {
            let held = ctx.held.lock();
            let Some(Held { addr, .. }) = &*held else {
                break;
            };
            if transfer(&ctx.bar, INNER_BUFFER, *addr, true).is_err() {
                break;
            }
        }
    }
}

/// Makes the device copy as many bytes as there are in [`BYTES`].
fn transfer(bar: &Bar<'_>, from: DmaAddress, to: DmaAddress, to_memory: bool) -> Result {
    let command = DMA_CMD::zeroed().with_to_memory(to_memory);
    edu::start(bar, from, to, BYTES.len(), command)?;
    edu::wait_idle(bar, TIMEOUT_MS).map(|_| ())
}

fn hold(ctx: &DriverContext<'_, Holder>, fd: &[u8]) -> Result {
    let fd = core::str::from_utf8(fd).map_err(|_| EINVAL)?;
    let buffer = DmaBuf::from_fd(fd.parse().map_err(|_| EINVAL)?)?;
    let mut held = ctx.held.lock();
    if held.is_some() {
        return Err(EBUSY);
    }
    let mut bytes = SgTable::alloc(BYTES.len(), ctx.dma(), GFP_KERNEL)?;
    bytes.copy_from_slice(0, &BYTES)?;
    let bytes = bytes.map(ctx.dma(), ToDevice)?.submit();
    let from = bytes.dma_runs().next().ok_or(EINVAL)?.addr;
    transfer(&ctx.bar, from, INNER_BUFFER, false)?;
    drop(bytes.complete());

    let buffer = buffer.attach_revocable(ctx, Bidirectional, UNMAP)?.submit();
    let addr = buffer.table()?.dma_runs().next().ok_or(EINVAL)?.addr;
    *held = Some(Held {
        _buffer: buffer,
        addr,
    });
    drop(held);
    ctx.tasks().queue(WRITE);
    Ok(())
}

/// Drops the buffer in flight, and states that the device was reset: no transfer is under way.
fn reset(ctx: &DriverContext<'_, Holder>) {
    let mut held = ctx.held.lock();
    let reset = ctx.dma().begin_reset();
    *held = None;
    reset.done();
}

struct Node;

#[vtable]
impl FileOps<Holder> for Node {
    const NODE: Option<&'static CStr> = Some(c"sgdma_holder");

    fn open(_: &DriverContext<'_, Holder>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Holder>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut word = [0; 16];
        let n = src.copy_from_iter(&mut word);
        match word[..n].trim_ascii() {
            b"reset" => reset(ctx),
            word => hold(ctx, word.strip_prefix(b"hold ").ok_or(EINVAL)?)?,
        }
        Ok(n)
    }
}

sgdma::module_pci_driver! {
    type: Holder,
    name: "sgdma_holder",
    authors: ["sgdma developers"],
    description: "Does not give back what an exporter takes back",
    license: "GPL",
}
