// SPDX-License-Identifier: GPL-2.0

//! A range of bus addresses, which the device uses as one run where an IOMMU maps for it, and page
//! by page elsewhere. Read in this order:
//!
//! - this file: what the device copies from page to page of a range
//! - `program.rs`: random calls, compared with a model

#[path = "../../../samples/common/mod.rs"]
mod common;
mod program;

use common::{
    edu,
    engine::Engine, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    page::PAGE_SIZE,
    pci,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    DriverContext,
    Handlers,
    InFlight,
    Iova,
    IrqContext,
    IrqReturn,
    NoFiles,
    SgTable, //
};

type Range<'bound> = Iova<'bound, Bidirectional>;

/// Returns `EDOM` unless `right`.
fn expect(right: bool) -> Result {
    right.then_some(()).ok_or(EDOM)
}

/// The number of pages of the range.
const PAGES: usize = 6;

/// Returns byte `at` of the range, as the CPU writes it first.
fn pattern(at: usize) -> u8 {
    (at % 251 + at / PAGE_SIZE * 31) as u8
}

/// The parts that the device copies: from, to and length. Each crosses the end of a page, on either
/// side or on both.
const COPIES: [[usize; 3]; 3] = [
    [PAGE_SIZE - 1000, 4 * PAGE_SIZE - 500, 2000],
    [2 * PAGE_SIZE - 1, 5 * PAGE_SIZE, 2],
    [0, 3 * PAGE_SIZE - 3, 7],
];

/// Returns the bus address of byte `at` of a range that is linked from its beginning on, and how
/// many bytes follow it in the same run.
fn place(range: &Range<'_>, mut at: usize) -> Result<(u64, usize)> {
    for run in range.dma_runs() {
        let len = run.len as usize;
        if at < len {
            return Ok((run.addr + at as u64, len - at));
        }
        at -= len;
    }
    Err(EDOM)
}

#[pin_data]
struct Data<'bound> {
    #[pin]
    engine: Engine<'bound>,
}

impl Data<'_> {
    /// Makes the device copy within a range, in as few transfers as the runs allow. Returns the
    /// number of transfers.
    fn copy(&self, range: &InFlight<Range<'_>>, from: usize, to: usize, len: usize) -> Result<u32> {
        let (mut done, mut transfers) = (0, 0);
        while done < len {
            let (from, most) = place(range, from + done)?;
            let (to, room) = place(range, to + done)?;
            let part = (len - done).min(most).min(room);
            self.engine.copy(from, to, part)?;
            done += part;
            transfers += 1;
        }
        Ok(transfers)
    }

    /// Links scattered pages, has the device copy across them, and compares what it has written.
    fn copy_across_pages(&self, dma: DmaDevice<'_>) -> Result<(bool, u32)> {
        let mut bytes: KVVec<u8> = KVVec::with_capacity(PAGES * PAGE_SIZE, GFP_KERNEL)?;
        for at in 0..PAGES * PAGE_SIZE {
            bytes.push(pattern(at), GFP_KERNEL)?;
        }
        let mut range = Iova::reserve(dma, PAGES * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
        // Not in order, so that neighbours in the range are none in memory.
        for page in [3, 0, 5, 1, 4, 2] {
            let at = page * PAGE_SIZE;
            let mut table = SgTable::alloc(PAGE_SIZE, dma, GFP_KERNEL)?;
            table.copy_from_slice(0, &bytes[at..at + PAGE_SIZE])?;
            range.link(at, table, GFP_KERNEL)?;
        }
        let one_run = range.is_one_run();
        expect(range.dma_runs().count() == 1 || !one_run)?;
        let mut range = range.submit()?;
        let mut transfers = 0;
        for [from, to, len] in COPIES {
            transfers += self.copy(&range, from, to, len)?;
            bytes.copy_within(from..from + len, to);
        }
        // The CPU has its turn at one page, and the device sees what the CPU wrote.
        let at = 2 * PAGE_SIZE;
        let mut complete = range.complete();
        let mut table = complete.unlink(at)?;
        table.fill(0..PAGE_SIZE, 0x77)?;
        complete.link(at, table, GFP_KERNEL)?;
        range = complete.submit()?;
        bytes[at..at + PAGE_SIZE].fill(0x77);
        transfers += self.copy(&range, at + 1, 0, 99)?;
        bytes.copy_within(at + 1..at + 100, 0);

        let mut range = range.complete();
        for page in 0..PAGES {
            let at = page * PAGE_SIZE;
            let mut page = KVVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
            range.unlink(at)?.copy_to_slice(0, &mut page)?;
            expect(page[..] == bytes[at..at + PAGE_SIZE])?;
        }
        Ok((one_run, transfers))
    }

    /// Makes the device read what is linked no more. An IOMMU lets it read nothing.
    fn use_after_unlink(&self, dma: DmaDevice<'_>) -> Result {
        let mut range = Iova::reserve(dma, 2 * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
        for at in [0, PAGE_SIZE] {
            let mut table = SgTable::alloc(PAGE_SIZE, dma, GFP_KERNEL)?;
            table.fill(0..PAGE_SIZE, 0x55)?;
            range.link(at, table, GFP_KERNEL)?;
        }
        let mut range = range.submit()?.complete();
        let Some(addr) = range.dma_address() else {
            return Ok(());
        };
        drop(range.unlink(0)?);
        // Rightly not in flight: this is the mistake to be seen. The page is not memory's any more.
        self.engine.copy(addr, addr + PAGE_SIZE as u64, 16)?;
        let mut bytes = [0; 17];
        range.unlink(PAGE_SIZE)?.copy_to_slice(0, &mut bytes)?;
        expect(bytes[..16] != [0x55; 16] && bytes[16] == 0x55)
    }
}

/// Links registers of the device beside memory.
fn link_registers(pdev: &pci::Device<Bound>, dma: DmaDevice<'_>) -> Result<&'static str> {
    let mut range: Range<'_> = Iova::reserve(dma, 3 * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
    let phys = pdev.resource_start(0)?;
    range.link(0, SgTable::alloc(PAGE_SIZE, dma, GFP_KERNEL)?, GFP_KERNEL)?;
    // SAFETY: These are registers of this very device, which is told no address of them. They stay
    // as long as the device is bound, and the range is not put in flight.
    let linked = unsafe { range.link_mmio(PAGE_SIZE, phys, 2 * PAGE_SIZE, GFP_KERNEL) };
    if linked.is_err_and(|failed| failed.error == EIO) {
        return Ok("not linked, as all bounces");
    }
    linked?;
    let runs = range.dma_runs().count();
    expect(range.dma_runs().map(|run| run.len).sum::<u64>() == 3 * PAGE_SIZE as u64)?;
    expect(runs == 1 || !range.is_one_run())?;
    drop(range.unlink(0)?);
    range.unlink_mmio(PAGE_SIZE)?;
    // SAFETY: As above.
    unsafe { range.link_mmio(0, phys, PAGE_SIZE, GFP_KERNEL) }?;
    Ok("linked")
}

fn data<'bound>(
    pdev: &'bound pci::Device<Bound>,
    dma: DmaDevice<'bound>,
) -> impl PinInit<Data<'bound>, Error> + 'bound {
    try_pin_init!(Data {
        engine <- Engine::new(pdev, dma),
    })
}

struct Driver;

impl sgdma::Driver for Driver {
    type Data<'bound> = Data<'bound>;
    type Files = NoFiles;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for Driver {
    fn irq(ctx: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        ctx.engine.irq()
    }
}

edu::driver! {
    Driver, 64, data;

    fn start(pdev: &pci::Device<Core<'_>>, ctx: &DriverContext<'_, Self>) -> Result {
        if sgdma::parameter(&module_parameters::fault) != 0 {
            return ctx.use_after_unlink(ctx.dma());
        }
        let (one_run, transfers) = ctx.copy_across_pages(ctx.dma())?;
        let what = if one_run { "one run" } else { "piece by piece" };
        dev_info!(pdev, "{}, {} transfers, all bytes right\n", what, transfers);
        dev_info!(pdev, "registers: {}\n", link_registers(pdev, ctx.dma())?);
        let steps = sgdma::parameter(&module_parameters::steps);
        let seen = program::run(ctx.dma(), steps)?;
        dev_info!(pdev, "{} steps: {}\n", steps, seen);
        Ok(())
    }
}

sgdma::module_pci_driver! {
    type: Driver,
    name: "sgdma_iova",
    authors: ["sgdma developers"],
    description: "Has a device use a reserved range of bus addresses",
    license: "GPL",
    params: {
        steps: u32 {
            default: 100000,
            description: "The number of random calls",
        },
        fault: u8 {
            default: 0,
            description: "1: only have the device read what is linked no more",
        },
    },
}
