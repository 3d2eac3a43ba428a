// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: turns of CPU and device, and sync-debug mode.

use super::{
    buffers::{
        byte_buffer,
        is_patterned,
        pattern,
        patterned,
        SINGLE_PAGES, //
    },
    random::Random,
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    ffi,
    Bidirectional,
    Coherency,
    Direction,
    FromDevice,
    MapAttrs,
    Mapped,
    SgTable,
    ToDevice, //
};
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Returns byte `at` of the buffer as the CPU's page has it, and as the device sees it.
fn both_sides<D: Direction, P>(mapped: &Mapped<'_, D, P>, at: usize) -> Result<(u8, u8)> {
    let mut start = 0;
    for piece in mapped.lockstep() {
        if at < start + piece.len {
            // SAFETY: The function computes with the value of the pointer, and does not follow it.
            let page = unsafe { ffi::sgdma_page_to_phys(piece.page.as_ptr()) };
            let i = (at - start) as u64;
            // The addresses of the test device are physical ones.
            let cpu = device_read(page + piece.offset as u64 + i);
            return Ok((cpu, device_read(piece.dma_address + i)));
        }
        start += piece.len;
    }
    Err(EINVAL)
}

/// The bytes that are handed to the CPU.
const TURN: Range<usize> = 100..200;

/// Lets CPU and device take turns at random parts of a buffer, and compares it with an array.
fn take_turns(attrs: MapAttrs) -> Result {
    let dev = TestDevice::new()?;
    let len = 4 * PAGE_SIZE + 7;
    let mut bytes = KVVec::from_elem(0u8, len, GFP_KERNEL)?;
    let mut model = KVVec::from_elem(0u8, len, GFP_KERNEL)?;
    let table = SgTable::alloc(len, SINGLE_PAGES, GFP_KERNEL)?;
    let mut mapped = table.map_attrs(dev.dma(), Bidirectional, attrs)?;
    let mut random = Random::new(1);
    for turn in 0..200u8 {
        let mut part = || {
            let start = random.below(len as u64) as usize;
            // Whole pages take long where they are large.
            let most = (len - start).min(8 << 10) as u64;
            start..start + 1 + random.below(most) as usize
        };
        let (cpus, devices) = (part(), part());
        let mut start = 0;
        for piece in mapped.lockstep() {
            let first = devices.start.max(start);
            for at in first..devices.end.min(start + piece.len).max(first) {
                device_write(piece.dma_address + (at - start) as u64, turn);
            }
            start += piece.len;
        }
        model[devices].fill(turn);
        let mut cpu = mapped.for_cpu_range(cpus.clone())?;
        let seen = &mut bytes[cpus.clone()];
        cpu.copy_to_slice(cpus.start, seen)?;
        check!(*seen == model[cpus.clone()]);
        seen.fill(!turn);
        cpu.copy_from_slice(cpus.start, seen)?;
        model[cpus].fill(!turn);
    }
    mapped.unmap().copy_to_slice(0, &mut bytes)?;
    check!(bytes[..] == model[..]);
    Ok(())
}

cases! {
    sgdma_sync_debug;

    fn sync_debug_poisons_what_is_the_others() -> Result {
        let dev = TestDevice::new()?;
        let (poison, byte) = (0xd5, pattern(TURN.start));
        let (others, other) = (TURN.end, pattern(TURN.end));
        let table = || patterned(3 * PAGE_SIZE + 1, dev.dma());

        let mut mapped = table()?.map_attrs(dev.dma(), Bidirectional, MapAttrs::SYNC_DEBUG)?;
        check!(!mapped.is_in_place());
        check_eq!(both_sides(&mapped, TURN.start)?, (poison, byte));
        core::mem::forget(mapped.for_cpu_range(TURN)?);
        check_eq!(both_sides(&mapped, TURN.start)?, (byte, poison));
        check_eq!(both_sides(&mapped, others)?, (poison, other));
        drop(mapped.for_cpu_range(others..others + 1)?);
        check_eq!(both_sides(&mapped, TURN.start)?, (poison, byte));
        check!(is_patterned(&mapped.unmap())?);

        let mut mapped = table()?.map_attrs(dev.dma(), ToDevice, MapAttrs::SYNC_DEBUG)?;
        check_eq!(both_sides(&mapped, TURN.start)?, (byte, byte));
        core::mem::forget(mapped.for_cpu_range(TURN)?);
        check_eq!(both_sides(&mapped, TURN.start)?, (byte, poison));
        check_eq!(both_sides(&mapped, others)?, (other, other));
        check!(is_patterned(&mapped.unmap())?);

        // The bytes that the device does not write stay as they were.
        let mut mapped = table()?.map_attrs(dev.dma(), FromDevice, MapAttrs::SYNC_DEBUG)?;
        check_eq!(both_sides(&mapped, TURN.start)?, (poison, byte));
        core::mem::forget(mapped.for_cpu_range(TURN)?);
        check_eq!(both_sides(&mapped, TURN.start)?, (byte, byte));
        check_eq!(both_sides(&mapped, others)?, (poison, other));
        check!(is_patterned(&mapped.unmap())?);
        Ok(())
    }

    fn sync_debug_shows_zeroes_around_a_buffer() -> Result {
        let dev = TestDevice::new()?;
        let range = 300..2 * PAGE_SIZE + 100;
        let (start, rest) = (range.start as u64, PAGE_SIZE as u64 - 100);
        let table = SgTable::new(byte_buffer(3 * PAGE_SIZE)?, range, dev.dma(), GFP_KERNEL)?;
        let mapped = table.map_attrs(dev.dma(), ToDevice, MapAttrs::SYNC_DEBUG)?;
        let (Some(first), Some(last)) =
            (mapped.dma_segments().next(), mapped.dma_segments().last())
        else {
            return Err(EINVAL);
        };
        // If the device gets bounced pages instead, those hold no bytes around the buffer.
        if Coherency::of(dev.dma()) == Coherency::Coherent {
            let end = last.addr + last.len;
            check!((first.addr - start..first.addr).all(|addr| device_read(addr) == 0));
            check!((end..end + rest).all(|addr| device_read(addr) == 0));
        }
        Ok(())
    }

    fn sync_debug_is_not_for_what_must_be_coherent() -> Result {
        let dev = TestDevice::new()?;
        let attrs = MapAttrs::SYNC_DEBUG | MapAttrs::REQUIRE_COHERENT;
        let table = patterned(PAGE_SIZE, dev.dma())?;
        let Err(failed) = table.map_attrs(dev.dma(), Bidirectional, attrs) else {
            return Err(EINVAL);
        };
        check!(is_patterned(&failed.buffer)?);
        Ok(())
    }

    fn turns_are_taken_as_by_an_array() -> Result {
        take_turns(MapAttrs::NONE)?;
        take_turns(MapAttrs::SYNC_DEBUG)
    }
}
