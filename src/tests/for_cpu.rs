// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: guards, which hand a mapped buffer to the CPU.

use super::{
    buffers::{
        first_byte,
        pattern,
        patterned, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    Bidirectional,
    FromDevice,
    MapAttrs,
    Mapped,
    SgTable, //
};
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Returns a mapped page into whose first byte a guard has written a 7, and was then forgotten.
///
/// The guard has not handed the page over to the device. If nobody makes that good, bounced memory
/// loses the 7.
fn with_forgotten_guard(dev: &TestDevice) -> Result<Mapped<'_, Bidirectional>> {
    let table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
    let mut mapped = table.map(dev.dma(), Bidirectional)?;
    let mut cpu = mapped.for_cpu();
    cpu.copy_from_slice(0, &[7])?;
    core::mem::forget(cpu);
    Ok(mapped)
}

cases! {
    sgdma_for_cpu;

    fn for_cpu_hands_over_and_back() -> Result {
        let dev = TestDevice::new()?;
        let mut mapped = SgTable::alloc(9 * PAGE_SIZE + 9, dev.dma(), GFP_KERNEL)?
            .map(dev.dma(), Bidirectional)?;
        let data: [u8; 600] = core::array::from_fn(pattern);
        let at = 3 * PAGE_SIZE - 300;
        mapped.for_cpu().copy_from_slice(at, &data)?;
        let mut back = [0; 600];
        mapped.for_cpu().copy_to_slice(at, &mut back)?;
        check!(back == data);
        // Without the handover, bounced memory would have lost the bytes.
        let table = mapped.unmap();
        table.copy_to_slice(at, &mut back)?;
        check!(back == data);
        Ok(())
    }

    fn for_cpu_shows_what_the_device_wrote() -> Result {
        let dev = TestDevice::new()?;
        let len = 5 * PAGE_SIZE;
        let mut mapped = SgTable::alloc(len, dev.dma(), GFP_KERNEL)?.map(dev.dma(), FromDevice)?;
        let mut starts = KVVec::new();
        let mut at = 0;
        for run in mapped.dma_segments() {
            starts.push((at, run.addr), GFP_KERNEL)?;
            at += run.len as usize;
        }
        for &(start, addr) in &starts {
            let mut byte = [0];
            device_write(addr, 1);
            mapped.for_cpu().copy_to_slice(start, &mut byte)?;
            check_eq!(byte, [1]);
            device_write(addr, 2);
            mapped
                .for_cpu_range(start..start + 1)?
                .copy_to_slice(start, &mut byte)?;
            check_eq!(byte, [2]);
            device_write(addr, 3);
        }
        let table = mapped.unmap();
        for &(start, _) in &starts {
            let mut byte = [0];
            table.copy_to_slice(start, &mut byte)?;
            check_eq!(byte, [3]);
        }
        Ok(())
    }

    fn for_cpu_range_keeps_to_it() -> Result {
        let dev = TestDevice::new()?;
        let mut mapped = patterned(4 * PAGE_SIZE, dev.dma())?.map(dev.dma(), Bidirectional)?;
        let range = PAGE_SIZE - 64..2 * PAGE_SIZE + 64;
        let (start, end) = (range.start, range.end);
        {
            let mut cpu = mapped.for_cpu_range(range)?;
            let mut byte = [0xa5];
            cpu.copy_from_slice(start, &byte)?;
            cpu.copy_from_slice(end - 1, &byte)?;
            check_eq!(cpu.copy_from_slice(start - 1, &byte), Err(EINVAL));
            check_eq!(cpu.copy_from_slice(end, &byte), Err(EINVAL));
            check_eq!(cpu.copy_to_slice(usize::MAX, &mut byte), Err(EINVAL));
        }
        for bad in [0..0, 1..4 * PAGE_SIZE + 1, Range { start: 2, end: 1 }] {
            check_eq!(mapped.for_cpu_range(bad).err(), Some(EINVAL));
        }
        let table = mapped.unmap();
        let mut bytes = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
        table.copy_to_slice(0, &mut bytes)?;
        check!(bytes.iter().enumerate().all(|(i, &byte)| {
            let written = i == start || i == end - 1;
            byte == if written { 0xa5 } else { pattern(i) }
        }));
        Ok(())
    }

    fn forgotten_guard_is_made_good_by_submit() -> Result {
        let dev = TestDevice::new()?;
        let in_flight = with_forgotten_guard(&dev)?.submit();
        let run = in_flight.dma_segments().next().ok_or(EINVAL)?;
        // The device writes after the guard did, so that its byte must stay.
        device_write(run.addr, 9);
        check_eq!(first_byte(&in_flight.complete().unmap())?, 9);
        Ok(())
    }

    fn forgotten_guard_is_made_good_by_unmap() -> Result {
        let dev = TestDevice::new()?;
        let mapped = with_forgotten_guard(&dev)?;
        check_eq!(first_byte(&mapped.unmap())?, 7);
        Ok(())
    }

    fn skipped_sync_leaves_what_a_guard_has_shown() -> Result {
        let dev = TestDevice::new()?;
        let table = patterned(2 * PAGE_SIZE, dev.dma())?;
        let mut mapped = table.map_attrs(dev.dma(), Bidirectional, MapAttrs::SKIP_CPU_SYNC)?;
        let addr = mapped.dma_segments().next().ok_or(EINVAL)?.addr;
        check_eq!(device_read(addr), pattern(0));
        check_eq!(device_read(addr + 1), pattern(1));
        device_write(addr, 6);
        let mut byte = [0];
        mapped.for_cpu_range(0..1)?.copy_to_slice(0, &mut byte)?;
        check_eq!(byte, [6]);
        check_eq!(first_byte(&mapped.unmap())?, 6);
        Ok(())
    }
}
