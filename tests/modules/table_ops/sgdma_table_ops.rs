// SPDX-License-Identifier: GPL-2.0

//! Makes, maps, walks and takes apart tables, by the requests of `sgdma_table_ops.h`. One program
//! has each allocation fail in turn; several programs map tables at the same time.

#[path = "../../../samples/common/mod.rs"]
mod common;
mod uapi;

use common::edu;
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use sgdma::{
    Bidirectional,
    BufferError,
    ByteBuffer,
    CoherentBuffer,
    CoherentDevice,
    DmaDevice,
    DmaPool,
    DmaTable,
    Door,
    DriverContext,
    Exclusive,
    FileOps,
    Iova,
    Lockstep,
    NoHandlers,
    SegmentLimits,
    SgTable,
    Words, //
};

/// The order of the blocks of `SGDMA_TABLE_OPS_BLOCKS`.
const ORDER: u32 = 3;
/// The number of bytes that `SGDMA_TABLE_OPS_BYTES` leaves out at both ends.
const MARGIN: usize = 100;

/// Returns `EDOM` unless `right`.
fn expect(right: bool) -> Result {
    right.then_some(()).ok_or(EDOM)
}

/// The words at the beginning of each page of a buffer and at its end. No other buffer has them.
struct Pattern(u64);

impl Pattern {
    fn new() -> Self {
        static LAST: Atomic<u64> = Atomic::new(0);
        Self(LAST.fetch_add(1, Relaxed) + 1)
    }

    fn word(&self, at: usize) -> [u8; 8] {
        ((self.0 << 32) | at as u64).to_le_bytes()
    }

    fn write(&self, len: usize, mut to: impl FnMut(usize, &[u8]) -> Result) -> Result {
        let mut places = (0..len).step_by(PAGE_SIZE);
        places.try_for_each(|at| to(at, &self.word(at)))?;
        to(len - 8, &self.word(len - 8))
    }

    fn check(&self, len: usize, mut from: impl FnMut(usize, &mut [u8]) -> Result) -> Result {
        let mut same = |at| {
            let mut is = [0; 8];
            from(at, &mut is)?;
            expect(is == self.word(at))
        };
        (0..len).step_by(PAGE_SIZE).try_for_each(&mut same)?;
        same(len - 8)
    }
}

/// Checks that all walks of a mapped buffer see the same `len` bytes.
fn walk(table: &DmaTable, lockstep: Lockstep<'_>, len: usize) -> Result {
    let segments: u64 = table.dma_segments().map(|run| run.len).sum();
    let runs: u64 = table.dma_runs().map(|run| run.len).sum();
    expect((segments, runs) == (len as u64, len as u64))?;

    let (mut pages, mut pieces) = (table.dma_pages(), lockstep);
    for run in table.dma_segments() {
        let (mut at, end) = (run.addr, run.addr + run.len);
        for frame in (at & !(PAGE_SIZE as u64 - 1)..end).step_by(PAGE_SIZE) {
            expect(pages.next() == Some(frame))?;
        }
        // A piece lies within a page of memory, but not always within one of the bus: a bounce
        // buffer may begin in mid-page.
        while at < end {
            let piece = pieces.next().ok_or(EDOM)?;
            expect(piece.dma_address == at && (1..=PAGE_SIZE).contains(&piece.len))?;
            at += piece.len as u64;
        }
        expect(at == end)?;
    }
    expect(pages.next().is_none() && pieces.next().is_none())
}

/// Maps a buffer with ownership transfer, and uses it from both sides.
fn by_turns<P: Exclusive>(mut table: SgTable<P>, dma: DmaDevice<'_>) -> Result {
    let len = table.len();
    let pattern = Pattern::new();
    pattern.write(len, |at, word| table.copy_from_slice(at, word))?;
    let table = match table.map(dma, Bidirectional) {
        Ok(mapped) => {
            walk(&mapped, mapped.lockstep(), len)?;
            let mut mapped = mapped.submit().complete();
            pattern.check(len, |at, word| mapped.for_cpu().copy_to_slice(at, word))?;
            let mut half = mapped.for_cpu_range(len / 2..len)?;
            half.copy_from_slice(len - 8, &[0xa5; 8])?;
            half.copy_from_slice(len - 8, &pattern.word(len - 8))?;
            drop(half);
            mapped.unmap()
        }
        Err(BufferError { error, buffer }) => {
            pattern.check(len, |at, word| buffer.copy_to_slice(at, word))?;
            return Err(error);
        }
    };
    pattern.check(len, |at, word| table.copy_to_slice(at, word))
}

fn share(mut table: SgTable, dev: CoherentDevice<'_>) -> Result {
    let len = table.len();
    let pattern = Pattern::new();
    pattern.write(len, |at, word| table.copy_from_slice(at, word))?;
    match table.map_shared(dev, Bidirectional) {
        Ok(shared) => {
            walk(&shared, Lockstep::new(shared.cpu(), &shared), len)?;
            let shared = shared.submit();
            pattern.check(len, |at, word| shared.copy_to_slice(at, word))?;
            let shared = shared.complete();
            let table = shared.unmap();
            pattern.check(len, |at, word| table.copy_to_slice(at, word))
        }
        Err(BufferError { error, buffer }) => {
            pattern.check(len, |at, word| buffer.copy_to_slice(at, word))?;
            Err(error)
        }
    }
}

fn bytes(len: usize, dma: DmaDevice<'_>) -> Result {
    let mut bytes = VVec::from_elem(0u8, len, GFP_KERNEL)?;
    bytes[len - 1] = 0x5a;
    match SgTable::new(
        ByteBuffer::from(bytes),
        MARGIN..len - MARGIN,
        dma,
        GFP_KERNEL,
    ) {
        Ok(table) => {
            expect(table.as_slice().len() == len - 2 * MARGIN)?;
            by_turns(table, dma)
        }
        Err(BufferError { error, buffer }) => {
            expect(buffer[..].len() == len && buffer[len - 1] == 0x5a)?;
            Err(error)
        }
    }
}

/// Makes a ring of `len` bytes, and for each of its pages a block of a pool.
fn ring(len: usize, dma: DmaDevice<'_>) -> Result {
    let ring = CoherentBuffer::alloc(len, dma, GFP_KERNEL)?;
    let pool = DmaPool::new(c"table_ops", dma, 512, 512, 0)?;
    let mut blocks = KVec::new();
    for addr in ring.dma_pages() {
        let block = pool.alloc(GFP_KERNEL)?;
        expect(block.read::<u64>(504)? == 0)?;
        block.write(504, addr)?;
        blocks.push(block, GFP_KERNEL)?;
    }
    drop(pool);
    ring.fill(0..8 * blocks.len(), &mut ring.dma_pages(), |addr| addr)?;
    for (at, block) in (0..).step_by(8).zip(&blocks) {
        expect(ring.read::<u64>(at)? == block.read(504)?)?;
    }
    Ok(())
}

/// Links two tables of `len` bytes in a range, the second one first.
fn iova(len: usize, dma: DmaDevice<'_>) -> Result {
    let pattern = Pattern::new();
    let mut range = Iova::reserve(dma, 2 * len, Bidirectional, GFP_KERNEL)?;
    let linked = |range: &Iova<'_, _>| range.dma_runs().map(|run| run.len as usize).sum::<usize>();
    for (before, offset) in [(0, len), (len, 0)] {
        let mut table = SgTable::alloc(len, dma, GFP_KERNEL)?;
        pattern.write(len, |at, word| table.copy_from_slice(at, word))?;
        if let Err(BufferError { error, buffer }) = range.link(offset, table, GFP_KERNEL) {
            pattern.check(len, |at, word| buffer.copy_to_slice(at, word))?;
            // Nothing is left of it: the IOMMU would refuse to link the same pages again.
            expect(linked(&range) == before && range.link(offset, buffer, GFP_KERNEL).is_ok())?;
            return Err(error.into());
        }
    }
    expect(linked(&range) == 2 * len && (range.dma_runs().count() == 1 || !range.is_one_run()))?;
    let mut range = range.submit()?.complete();
    let table = range.unlink(len)?;
    pattern.check(len, |at, word| table.copy_to_slice(at, word))
}

struct TableOps;

impl sgdma::Driver for TableOps {
    type Data<'bound> = ();
    type Files = File;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

edu::driver! { TableOps, 64, |_, _| Ok::<(), Error>(()); }

struct File;

#[vtable]
impl FileOps<TableOps> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_table_ops");

    fn open(_: &DriverContext<'_, TableOps>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn ioctl(&self, door: &Door<'_, TableOps>, cmd: u32, len: usize) -> Result<isize> {
        door.enter(|ctx| run(ctx.dma(), cmd, len))?;
        Ok(0)
    }
}

fn run(dma: DmaDevice<'_>, cmd: u32, len: usize) -> Result {
    if len % PAGE_SIZE != 0 || !(PAGE_SIZE..=64 << 20).contains(&len) {
        return Err(EINVAL);
    }
    match cmd {
        uapi::SGDMA_TABLE_OPS_ALLOC => by_turns(SgTable::alloc(len, dma, GFP_KERNEL_ACCOUNT)?, dma),
        uapi::SGDMA_TABLE_OPS_ATOMIC => by_turns(SgTable::alloc(len, dma, GFP_ATOMIC)?, dma),
        uapi::SGDMA_TABLE_OPS_BLOCKS => {
            by_turns(SgTable::alloc_blocks(len, ORDER, dma, GFP_KERNEL)?, dma)
        }
        uapi::SGDMA_TABLE_OPS_BYTES => bytes(len, dma),
        uapi::SGDMA_TABLE_OPS_MAP => {
            let of_a_page = SegmentLimits {
                max_size: PAGE_SIZE,
                ..SegmentLimits::from(dma)
            };
            by_turns(SgTable::alloc(len, of_a_page, GFP_KERNEL)?, dma)
        }
        uapi::SGDMA_TABLE_OPS_SHARE => share(
            SgTable::alloc(len, dma, GFP_KERNEL)?,
            CoherentDevice::probe(dma)?,
        ),
        uapi::SGDMA_TABLE_OPS_RING => ring(len, dma),
        uapi::SGDMA_TABLE_OPS_IOVA => iova(len, dma),
        _ => Err(ENOTTY),
    }
}

sgdma::module_pci_driver! {
    type: TableOps,
    name: "sgdma_table_ops",
    authors: ["sgdma developers"],
    description: "Makes, maps, walks and takes apart tables",
    license: "GPL",
}
