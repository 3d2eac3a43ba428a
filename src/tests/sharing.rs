// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: buffers that are shared, and memory of processes.

use super::{
    buffers::{
        first_byte,
        pattern,
        patterned,
        short_limits, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    },
    user_memory::UserMemory, //
};
use crate::{
    dma_streaming_is_coherent,
    ffi,
    lifecycle::deferred,
    new_irq_lock,
    Bidirectional,
    Coherency,
    CoherentDevice,
    FromDevice,
    PinnedPages,
    SegmentLimits,
    Shared,
    ToDevice,
    UserTable,
    EOPNOTSUPP, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Returns the number of references that all pages of a table have.
fn refs(table: &UserTable<Bidirectional>) -> usize {
    let pages = table.cpu().cpu_pages();
    // SAFETY: `table` has pinned the pages.
    pages
        .map(|page| unsafe { ffi::sgdma_selftest_page_refs(page.as_ptr()) as usize })
        .sum()
}

cases! {
    sgdma_sharing;

    fn shared_memory_is_seen_at_once_or_refused() -> Result {
        let dev = TestDevice::new()?;
        let dma = dev.dma();
        let Ok(witness) = CoherentDevice::new(dma) else {
            check!(!dma_streaming_is_coherent(dma));
            let blamed = Coherency::first_incoherent(&[dma, dma]);
            check!(blamed.is_some_and(|(_, why)| why == Coherency::of(dma)));
            return Ok(());
        };
        check!(dma_streaming_is_coherent(dma) && Coherency::first_incoherent(&[dma]).is_none());
        let table = || patterned(2 * PAGE_SIZE + 1, dma);
        for shared in [
            table()?.map_shared(witness, Bidirectional)?,
            table()?.in_place_for(dma)?.map_shared(Bidirectional)?,
        ] {
            let shared = shared.submit();
            let addr = shared.dma_segments().next().ok_or(EINVAL)?.addr;
            check_eq!(device_read(addr), pattern(0));
            device_write(addr, 8);
            let mut byte = [0];
            shared.copy_to_slice(0, &mut byte)?;
            check_eq!(byte, [8]);
            shared.copy_from_slice(0, &[9])?;
            check_eq!(device_read(addr), 9);
            check_eq!(shared.copy_from_slice(2 * PAGE_SIZE, &[9, 9]), Err(EINVAL));
            check_eq!(first_byte(&shared.complete().unmap())?, 9);
        }
        Ok(())
    }

    fn tables_for_user_space_are_shared_again() -> Result {
        let dev = TestDevice::new()?;
        let table = patterned(PAGE_SIZE + 1, dev.dma())?.for_user(FromDevice)?;
        let Ok(witness) = CoherentDevice::new(dev.dma()) else {
            let Err(failed) = table.in_place_for(dev.dma()) else {
                return Err(EINVAL);
            };
            check_eq!(failed.error, EOPNOTSUPP);
            check_eq!(failed.buffer.len(), PAGE_SIZE + 1);
            return Ok(());
        };
        let shared = table.map_shared(witness)?.submit();
        device_write(shared.dma_segments().next().ok_or(EINVAL)?.addr, 8);
        let table = shared.complete().unmap();
        let mut bytes = [0; 2];
        table.copy_to_slice(0, &mut bytes)?;
        check_eq!(bytes, [8, pattern(1)]);
        table.copy_from_slice(0, &[7])?;
        let shared = table.in_place_for(dev.dma())?.map_shared()?;
        let addr = shared.dma_segments().next().ok_or(EINVAL)?.addr;
        check_eq!(device_read(addr), 7);
        check_eq!(
            shared.dma_segments().map(|run| run.len).sum::<u64>(),
            PAGE_SIZE as u64 + 1
        );
        Ok(())
    }

    fn pin_refuses_what_is_no_user_memory() -> Result {
        let pin = |addr, len| UserTable::pin(addr, len, FromDevice, SegmentLimits::NONE).err();
        let short = SegmentLimits {
            max_size: SegmentLimits::MIN - 1,
            ..SegmentLimits::NONE
        };
        check_eq!(pin(PAGE_SIZE, 0), Some(EINVAL));
        check_eq!(pin(usize::MAX, 1), Some(EOVERFLOW));
        check_eq!(pin(PAGE_SIZE, usize::MAX - 1), Some(EOVERFLOW));
        check_eq!(pin(&raw const short as usize, 1), Some(EFAULT));
        check_eq!(pin(usize::MAX - PAGE_SIZE, 1), Some(EFAULT));
        // Nothing is mapped at address zero; in the kernel thread of KUnit, nothing is at all.
        check_eq!(pin(0, 1), Some(EFAULT));
        check_eq!(UserTable::pin(0, 1, ToDevice, short).err(), Some(EINVAL));
        Ok(())
    }

    fn user_memory_is_seen_by_all() -> Result {
        let dev = TestDevice::new()?;
        let Some(memory) = UserMemory::new(4 * PAGE_SIZE)? else {
            return Ok(());
        };
        let (at, len) = (PAGE_SIZE - 100, 2 * PAGE_SIZE);
        let table = UserTable::pin(memory.addr + at, len, Bidirectional, dev.dma())?;
        check_eq!((table.len(), table.cpu().cpu_pages().count()), (len, 3));
        let data: [u8; 300] = core::array::from_fn(pattern);
        let mut back = [0; 300];
        table.copy_from_slice(0, &data)?;
        memory.slice(at, 300).reader().read_slice(&mut back)?;
        check!(back == data);
        memory.slice(at + len - 1, 1).writer().write_slice(&[7])?;
        table.copy_to_slice(len - 1, &mut back[..1])?;
        check_eq!(back[0], 7);
        check_eq!(table.copy_from_slice(len - 1, &[1, 2]), Err(EINVAL));
        check_eq!(table.copy_to_slice(len, &mut back), Err(EINVAL));

        let Ok(witness) = CoherentDevice::new(dev.dma()) else {
            return Ok(());
        };
        let shared = table.map_shared(witness)?.submit();
        let addr = shared.dma_segments().next().ok_or(EINVAL)?.addr;
        check_eq!(addr % PAGE_SIZE as u64, at as u64);
        check_eq!(device_read(addr + 5), pattern(5));
        device_write(addr, 9);
        memory.slice(at, 1).reader().read_slice(&mut back[..1])?;
        check_eq!(back[0], 9);
        // The memory stays pinned, and can be shared again.
        let shared = shared.complete().unmap().map_shared(witness)?;
        shared.copy_from_slice(1, &[8])?;
        memory.slice(at, 2).reader().read_slice(&mut back[..2])?;
        check_eq!(back[..2], [9, 8]);
        Ok(())
    }

    fn pins_of_short_segments_are_given_back_once() -> Result {
        let Some(memory) = UserMemory::new(4 * PAGE_SIZE)? else {
            return Ok(());
        };
        let (at, len) = (PAGE_SIZE - 100, 2 * PAGE_SIZE);
        let pin = |limits| UserTable::pin(memory.addr + at, len, Bidirectional, limits);
        let table = pin(SegmentLimits::NONE)?;
        let before = refs(&table);
        for limits in short_limits() {
            let short = pin(limits)?;
            check!(refs(&table) > before);
            short.copy_from_slice(len - 600, &[9; 600])?;
            drop(short);
            check_eq!(refs(&table), before);
        }
        let mut back = [0; 600];
        table.copy_to_slice(len - 600, &mut back)?;
        check_eq!(back, [9; 600]);
        Ok(())
    }

    fn pins_are_given_back_by_a_worker_where_nothing_may_sleep() -> Result {
        let Some(memory) = UserMemory::new(4 * PAGE_SIZE)? else {
            return Ok(());
        };
        let pin = || UserTable::pin(memory.addr, 4 * PAGE_SIZE, Bidirectional, SegmentLimits::NONE);
        let table = pin()?;
        let before = refs(&table);
        let lock = KBox::pin_init(new_irq_lock!(Some(pin()?)), GFP_KERNEL)?;
        check!(refs(&table) > before);
        {
            let mut guard = lock.lock();
            check!(!deferred::may_sleep());
            *guard = None;
        }
        check!(deferred::may_sleep());
        deferred::flush();
        check_eq!(refs(&table), before);
        Ok(())
    }

    fn two_devices_have_one_page_of_a_process() -> Result {
        let (one, other) = (TestDevice::new()?, TestDevice::named(c"sgdma-selftest-2")?);
        let Some(memory) = UserMemory::new(2 * PAGE_SIZE)? else {
            return Ok(());
        };
        let Ok(witnesses) = CoherentDevice::new(one.dma())
            .and_then(|one| Ok([one, CoherentDevice::new(other.dma())?]))
        else {
            return Ok(());
        };
        // Maps the same bytes, and others in the same cache line. DMA debugging must not complain.
        fn map<'a>(
            addr: usize,
            witness: CoherentDevice<'a>,
        ) -> Result<Shared<'a, Bidirectional, PinnedPages>> {
            let table = UserTable::pin(addr, PAGE_SIZE, Bidirectional, witness.dma())?;
            Ok(table.map_shared(witness)?)
        }
        let addr = memory.addr + PAGE_SIZE / 2;
        let first = map(addr, witnesses[0])?;
        let second = map(addr, witnesses[1])?;
        let third = map(addr + 1, witnesses[1])?;
        check!(first.dma_segments().eq(second.dma_segments()));
        first.copy_from_slice(1, &[9])?;
        let mut byte = [0];
        third.copy_to_slice(0, &mut byte)?;
        check_eq!(byte, [9]);
        Ok(())
    }
}
