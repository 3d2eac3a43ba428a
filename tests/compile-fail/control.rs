// SPDX-License-Identifier: GPL-2.0

//! The legal neighbours of what the other programs do: this one must compile.

mod driver;

use driver::Gpu;
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

/// Data that borrows the binding can be kept for as long as the binding.
#[pin_data]
struct Data<'bound> {
    dma: DmaDevice<'bound>,
    #[pin]
    kept: Mutex<Option<InFlight<Mapped<'bound, ToDevice>>>>,
}

/// An open file owns what does not.
#[pin_data]
struct File {
    #[pin]
    table: Mutex<Option<SgTable>>,
}

fn new_data<'bound>(dma: DmaDevice<'bound>) -> impl PinInit<Data<'bound>, Error> {
    try_pin_init!(Data {
        dma,
        kept <- new_mutex!(None),
    })
}

fn round_trip(dma: DmaDevice<'_>, mut table: SgTable) -> Result<SgTable> {
    table.copy_from_slice(0, &[0; 16])?;
    let mut mapped = table.map(dma, ToDevice)?;
    mapped.for_cpu().copy_from_slice(0, &[0; 16])?;
    mapped.for_cpu_range(0..16)?.read_back(0, &mut [0; 16])?;
    let _ = mapped.lockstep().count() + mapped.cpu().cpu_pages().count();
    let in_flight = mapped.submit();
    let sum = in_flight.dma_pages().sum();
    let mapped = in_flight.complete();
    let _: u64 = mapped.dma_runs().fold(sum, |sum, run| sum + run.len);
    let table = mapped.unmap();
    table.copy_to_slice(0, &mut [0; 16])?;
    Ok(table)
}

/// Data that borrows the binding can keep a range, and a table comes back before it is accessed.
fn link<'bound>(
    dma: DmaDevice<'bound>,
    table: SgTable,
) -> Result<InFlight<Iova<'bound, FromDevice>>> {
    let mut range = Iova::reserve(dma, 1 << 20, FromDevice, GFP_KERNEL)?;
    range.link(0, table, GFP_KERNEL)?;
    let mut range = range.submit()?.complete();
    let table = range.unlink(0)?;
    table.copy_to_slice(0, &mut [0; 16])?;
    range.link(0, table, GFP_KERNEL)?;
    let in_flight = range.submit()?;
    let _ = in_flight.dma_runs().count() + in_flight.table(0)?.dma_pages().count();
    Ok(in_flight)
}

/// A ring, the pages of a buffer in a block, and what both may keep.
fn coherent<'bound>(
    dma: DmaDevice<'bound>,
    buffer: &DmaTable,
) -> Result<(InFlight<CoherentBuffer<'bound>>, PoolBlock<'bound>)> {
    let ring = CoherentBuffer::alloc(4096, dma, GFP_KERNEL)?.submit();
    let block = DmaPool::new(c"pool", dma, 64, 64, 0)?.alloc(GFP_KERNEL)?;
    let filled = block.fill(0..block.len(), &mut buffer.dma_pages(), u64::to_le)?;
    ring.write_entry(8, &block.read_entry::<[u64; 2]>(0)?)?;
    ring.flag(0)?.store(filled as u32);
    let _ = ring.dma_pages().count() as u64 + ring.read::<u64>(0)?;
    Ok((ring, block))
}

fn shared_words(shared: &Shared<'_, ToDevice>, mut mapped: Mapped<'_, ToDevice>) -> Result {
    shared.write(0, 1u32)?;
    mapped
        .for_cpu()
        .fill(0..8, &mut shared.dma_blocks(4096)?, u64::to_le)?;
    Ok(())
}

fn vmalloc_bytes(dma: DmaDevice<'_>, bytes: VVec<u8>) -> Result<VVec<u8>> {
    let mut table = SgTable::new(ByteBuffer::from(bytes), 0..4096, dma, GFP_KERNEL)?;
    table.as_mut_slice()[0] = table.as_slice()[1];
    let attrs = MapAttrs::SKIP_CPU_SYNC | MapAttrs::NO_WARN;
    let table = table.map_attrs(dma, Bidirectional, attrs)?.unmap();
    Ok(table.into_owner().into())
}

fn share(dma: DmaDevice<'_>, table: SgTable) -> Result<SgTable> {
    let dev = CoherentDevice::probe(dma)?;
    let shared = table.map_shared(dev, Bidirectional)?.submit();
    shared.copy_from_slice(0, &[0; 16])?;
    shared.copy_to_slice(shared.dma_pages().count(), &mut [0; 16])?;
    Ok(shared.complete().unmap())
}

fn share_one(dma: DmaDevice<'_>, table: SgTable) -> Result<SgTable> {
    let shared = table.in_place_for(dma)?.map_shared(Bidirectional)?;
    // SAFETY: Of one table, of memory, that is mapped for this device.
    let _ = unsafe { DmaTable::is_in_place(&shared, shared.cpu(), dma) } && shared.is_in_place();
    Ok(shared.unmap())
}

fn for_user(dma: DmaDevice<'_>, table: SgTable, vma: &VmaNew) -> Result {
    let table = table.for_user(Bidirectional)?;
    table.copy_from_slice(0, &[0; 16])?;
    let shared = table.map_shared(CoherentDevice::probe(dma)?)?.submit();
    shared.map_to_user(0, vma)?;
    shared.copy_from_slice(0, &[0; 16])?;
    let table = shared.complete().unmap();
    table.copy_to_slice(0, &mut [0; 16])?;
    drop(table.in_place_for(dma)?.map_shared()?);
    Ok(())
}

fn why_not(dma: DmaDevice<'_>, table: SgTable) -> Option<Coherency> {
    match table.map(dma, Bidirectional) {
        Err(BufferError {
            error: EOPNOTSUPP | EREMOTEIO,
            ..
        }) => CoherentDevice::new(dma).err(),
        _ => None,
    }
}

fn register(dma: DmaDevice<'_>, addr: usize) -> Result<UserTable<Bidirectional>> {
    let table = UserTable::pin(addr, 100, Bidirectional, dma)?;
    table.copy_from_slice(0, &[0; 16])?;
    let region = table.map_shared(CoherentDevice::probe(dma)?)?.submit();
    region.copy_from_slice(region.dma_pages().count(), &[0; 16])?;
    let size = region.best_block_size(4096, addr as u64)?;
    region.copy_to_slice(region.dma_blocks(size)?.count(), &mut [0; 16])?;
    let read_only = UserTable::pin(addr, 100, ToDevice, SegmentLimits::NONE)?;
    read_only.copy_to_slice(0, &mut [0; 16])?;
    Ok(region.complete().unmap())
}

fn recover(dma: DmaDevice<'_>, table: SgTable) -> Result<Quiet> {
    drop(table.map(dma, ToDevice)?.submit());
    drop(dma.begin_reset());
    dma.begin_reset().done();
    Ok(Quiet::Reset)
}

fn ioctl(file: &File, door: &Door<'_, Gpu>) -> Result {
    let (pages, unbinding) = door.enter(|ctx| {
        let table = SgTable::alloc(1 << 20, ctx.dma(), GFP_KERNEL)?;
        let in_flight = table.map(ctx.dma, ToDevice)?.submit();
        let pages = in_flight.dma_pages().count();
        *ctx.kept.lock() = Some(in_flight);
        Ok((pages, ctx.unbinding().clone()))
    })?;
    unbinding.wait(1, || pages > 0)?;
    *file.table.lock() = Some(SgTable::alloc(1 << 20, SegmentLimits::NONE, GFP_KERNEL)?);
    Ok(())
}

fn read(
    dma: DmaDevice<'_>,
    mapped: &mut Mapped<'_, FromDevice>,
    dst: &mut IovIterDest<'_>,
) -> Result<usize> {
    let n = mapped.for_cpu().copy_to_iter(0, 100, dst)?;
    let table = UserTable::pin_iter(dst, 100, FromDevice, dma)?;
    table.copy_from_slice(0, &[0; 16])?;
    Ok(n + table.len())
}

fn write(
    dma: DmaDevice<'_>,
    mapped: &mut Mapped<'_, ToDevice>,
    src: &mut IovIterSource<'_>,
) -> Result<usize> {
    let n = mapped.for_cpu().copy_from_iter(0, 100, src)?;
    let table = UserTable::pin_iter(src, 100, ToDevice, dma)?;
    table.copy_to_slice(0, &mut [0; 16])?;
    Ok(n + table.len())
}

fn poll(file: &File, ctx: &DriverContext<'_, Gpu>) -> PollEvents {
    match (&*file.table.lock(), &*ctx.kept.lock()) {
        (Some(_), None) => PollEvents::IN | PollEvents::OUT,
        _ => PollEvents::ERR,
    }
}

/// A file may keep a dma-buf, and the data of a binding may keep the device's mapping.
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
struct DmaBufFile(DmaBuf);

#[cfg(CONFIG_DMA_SHARED_BUFFER)]
fn attach<'bound>(
    dma: DmaDevice<'bound>,
    table: SgTable,
    fd: u32,
) -> Result<(DmaBufFile, InFlight<Attached<'bound, Bidirectional>>)> {
    let buffer = table.export(DmaBufUse::Turns)?;
    buffer.for_cpu(ToDevice)?.copy_from_slice(0, &[0; 16])?;
    buffer.for_cpu(FromDevice)?.copy_to_slice(0, &mut [0; 16])?;
    let turn = DmaBuf::from_fd(fd)?.attach(dma, FromDevice)?.submit();
    let pages = turn.dma_pages().count();
    let done = turn.complete();
    let _ = done.dma_pages().count() == pages && done.needs_turns();
    drop(done);
    let kept = buffer.clone().attach(dma, Bidirectional)?.submit();
    Ok((DmaBufFile(buffer), kept))
}

#[cfg(CONFIG_DMA_SHARED_BUFFER)]
fn attach_revocable<'bound>(
    ctx: &DriverContext<'bound, Gpu>,
    buffer: &DmaBuf,
) -> Result<InFlight<Revocable<'bound, FromDevice>>> {
    let turn = buffer.attach_revocable(ctx, FromDevice, 0)?.submit();
    let pages = turn.table()?.dma_pages().count();
    if turn.is_revoked() || turn.needs_turns() || turn.len() != pages {
        drop(turn.complete());
        return Err(ENODEV);
    }
    Ok(turn)
}

fn wait(done: &Completion, ctx: &DriverContext<'_, Gpu>) -> Result {
    done.reset();
    done.wait(ctx.unbinding(), 1)?;
    done.wait_timeout(1)
}

/// A file may keep a mapping of a domain, and the data of a binding may keep the device's use.
struct DomainFile(DomainMapping<Bidirectional>);

fn in_domain<'bound>(
    dev: DomainDevice<'bound>,
    table: SgTable,
    other: SgTable,
) -> Result<(DomainFile, InFlight<DomainUse<'bound, Bidirectional>>)> {
    let only_read = other.map_at(dev, 1 << 32, ToDevice)?;
    only_read.for_cpu()?.copy_from_slice(0, &[0; 16])?;
    let given = only_read.for_device(dev)?.submit();
    let (addr, pages) = (given.dma_address(), given.dma_pages().count());
    drop(given.complete());
    drop(only_read.unmap()?);
    let mapping = table.map_anywhere(dev, Bidirectional)?;
    mapping.for_cpu()?.write(8 * pages, addr)?;
    let kept = mapping.for_device(dev)?.submit();
    Ok((DomainFile(mapping), kept))
}

/// The data of a binding may keep memory of the device, and a file a buffer of it.
fn of_device(dev: DmaDevice<'_>) -> Result<(PeerMemory<'_>, DmaBuf)> {
    let memory = PeerMemory::new(dev, 2, 0..1 << 20)?;
    let buffer = memory.export(1 << 16)?;
    Ok((memory, buffer))
}
