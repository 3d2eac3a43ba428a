// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/table`: tables of pages that an owner has allocated.

use super::{
    buffers::{
        byte_buffer,
        pattern, //
    },
    test_device::{
        device_read,
        TestDevice, //
    }, //
};
use crate::{
    ffi,
    Bidirectional,
    ByteBuffer,
    SegmentLimits,
    SgTable,
    ToDevice, //
};
use core::ops::Range;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_owner;

    fn vmalloc_bytes_are_a_table() -> Result {
        let dev = TestDevice::new()?;
        let len = 5 * PAGE_SIZE + 99;
        let table = SgTable::new(byte_buffer(len)?, 0..len, dev.dma(), GFP_KERNEL)?;
        check_eq!(table.cpu().cpu_pages().count(), 6);
        let mut table = table.map(dev.dma(), Bidirectional)?.unmap();
        check!(table
            .as_slice()
            .iter()
            .enumerate()
            .all(|(i, &byte)| byte == pattern(i)));
        table.as_mut_slice()[PAGE_SIZE] = 0xff;
        let mut byte = [0];
        table.copy_to_slice(PAGE_SIZE, &mut byte)?;
        check_eq!(byte, [0xff]);
        let bytes = VVec::from(table.into_owner());
        check_eq!((bytes.len(), bytes[PAGE_SIZE]), (len, 0xff));
        Ok(())
    }

    fn rest_of_the_last_page_is_zeroed() -> Result {
        // The allocator is likely to return these pages again, with their old bytes.
        drop(VVec::from_elem(0xffu8, 64 * PAGE_SIZE, GFP_KERNEL)?);
        let table = SgTable::new(byte_buffer(100)?, 0..100, SegmentLimits::NONE, GFP_KERNEL)?;
        let page = table.phys_runs().next().ok_or(EINVAL)?.addr;
        // The test device's addresses are physical ones.
        check!((100..PAGE_SIZE as u64).all(|at| device_read(page + at) == 0));
        Ok(())
    }

    fn bytes_that_user_space_has_make_no_table() -> Result {
        let len = 3 * PAGE_SIZE;
        let bytes = VVec::from(byte_buffer(len)?);
        // The test takes a page reference, as `vm_insert_page()` does. Safe code can call that
        // function with this page.
        let at = bytes.as_ptr().wrapping_add(2 * PAGE_SIZE).cast();
        // SAFETY: The address is in memory that vmalloc has allocated.
        let page = unsafe { bindings::vmalloc_to_page(at) };
        // SAFETY: `bytes` owns the page.
        unsafe { ffi::sgdma_selftest_refer(page, true) };
        let table = SgTable::new(
            ByteBuffer::from(bytes),
            0..PAGE_SIZE,
            SegmentLimits::NONE,
            GFP_KERNEL,
        );
        // SAFETY: The reference was taken above, and `table` still has the vector, either way.
        unsafe { ffi::sgdma_selftest_refer(page, false) };
        let Err(failed) = table else {
            return Err(EINVAL);
        };
        check_eq!(failed.error, EINVAL);
        // Without the reference, as after `munmap()`, the same vector is accepted.
        let bytes = ByteBuffer::from(VVec::from(failed.buffer));
        check_eq!(bytes[len - 1], pattern(len - 1));
        SgTable::new(bytes, 0..len, SegmentLimits::NONE, GFP_KERNEL)?;
        Ok(())
    }

    fn part_of_an_owner_is_a_table() -> Result {
        let dev = TestDevice::new()?;
        let len = 4 * PAGE_SIZE;
        let range = PAGE_SIZE + 512..3 * PAGE_SIZE + 7;
        let (start, size) = (range.start, range.len());
        let table = SgTable::new(byte_buffer(len)?, range, dev.dma(), GFP_KERNEL)?;
        check_eq!((table.len(), table.cpu().cpu_pages().count()), (size, 3));
        let mut bytes = KVVec::from_elem(0u8, size, GFP_KERNEL)?;
        table.copy_to_slice(0, &mut bytes)?;
        check!(bytes
            .iter()
            .enumerate()
            .all(|(i, &byte)| byte == pattern(start + i)));
        check!(&bytes[..] == table.as_slice());
        let mapped = table.map(dev.dma(), ToDevice)?;
        check_eq!(
            mapped.dma_segments().map(|run| run.len).sum::<u64>(),
            size as u64
        );
        let run = mapped.dma_segments().next().ok_or(EINVAL)?;
        check_eq!(device_read(run.addr), pattern(start));
        Ok(())
    }

    fn refused_owner_comes_back() -> Result {
        let len = 2 * PAGE_SIZE;
        let mut buffer = byte_buffer(len)?;
        for bad in [
            0..0,
            5..5,
            0..len + 1,
            len..len + 1,
            0..usize::MAX,
            Range { start: 2, end: 1 },
        ] {
            let Err(failed) = SgTable::new(buffer, bad, SegmentLimits::NONE, GFP_KERNEL) else {
                return Err(EINVAL);
            };
            check_eq!(failed.error, EINVAL);
            buffer = failed.buffer;
            check_eq!((buffer.len(), buffer[len - 1]), (len, pattern(len - 1)));
        }
        Ok(())
    }
}
