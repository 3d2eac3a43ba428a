// SPDX-License-Identifier: GPL-2.0

//! A driver with two nodes. `sgdma_files.h` says what their files are.

#[path = "../../../samples/common/mod.rs"]
mod common;
mod file;
mod uapi;

use common::edu::{
    self,
    Bar,
    IRQ_ACK,
    IRQ_STATUS, //
};
use file::File;
use kernel::{
    device::Bound,
    io::Io,
    new_mutex,
    pci,
    prelude::*,
    sync::Mutex, //
};
use sgdma::{
    Bidirectional,
    Completion,
    DmaDevice,
    Handlers,
    IrqContext,
    IrqReturn,
    Mapped,
    SgTable, //
};

#[pin_data]
struct Data<'bound> {
    bar: Bar<'bound>,
    /// Set by the interrupt.
    #[pin]
    interrupt: Completion,
    #[pin]
    buffer: Mutex<Mapped<'bound, Bidirectional>>,
}

struct Files;

impl sgdma::Driver for Files {
    type Data<'bound> = Data<'bound>;
    type Files = File;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for Files {
    fn irq(ctx: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        let raised = ctx.bar.read(IRQ_STATUS).raised();
        if raised.get() == 0 || !edu::is_present(&ctx.bar) {
            return IrqReturn::None;
        }
        ctx.bar.write_reg(IRQ_ACK::zeroed().with_raised(raised));
        ctx.interrupt.complete();
        ctx.unbinding().wake_all();
        IrqReturn::Handled
    }
}

fn data<'bound>(
    pdev: &'bound pci::Device<Bound>,
    dma: DmaDevice<'bound>,
) -> impl PinInit<Data<'bound>, Error> + 'bound {
    pin_init::pin_init_scope(move || {
        let table = SgTable::alloc(uapi::SGDMA_FILES_LEN as usize, dma, GFP_KERNEL)?;
        let mapped = table.map(dma, Bidirectional)?;
        Ok(try_pin_init!(Data {
            bar: edu::registers(pdev)?,
            interrupt <- Completion::new(),
            buffer <- new_mutex!(mapped),
        }))
    })
}

edu::driver! { Files, 64, data; }

sgdma::module_pci_driver! {
    type: Files,
    name: "sgdma_files",
    authors: ["sgdma developers"],
    description: "Reads, writes, waits and polls at two nodes",
    license: "GPL",
    params: {
        bad: u8 {
            default: 0,
            description: "a last node: 1 of the same name, 2 without a name, 3 of mode 0, 4 setuid",
        },
    },
}
