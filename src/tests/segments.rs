// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/table`: the segments that pages are cut into.

use super::{
    buffers::{
        byte_buffer,
        is_patterned,
        pattern,
        patterned,
        short_limits,
        SINGLE_PAGES, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    Bidirectional,
    ByteBuffer,
    CpuPage,
    Run,
    SegmentLimits,
    SgTable, //
};
use core::ptr::NonNull;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_segments;

    fn segments_keep_to_the_limit() -> Result {
        let single = SgTable::alloc(37 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?;
        check_eq!(single.cpu().orig_nents(), 37);
        check!(single.fits(SINGLE_PAGES));
        let dev = TestDevice::new()?;
        let table = SgTable::alloc(1 << 20, dev.dma(), GFP_KERNEL)?;
        check!(table.fits(dev.dma().into()));
        let narrow = SegmentLimits {
            boundary: 4 * PAGE_SIZE - 1,
            ..SegmentLimits::NONE
        };
        check!(SgTable::alloc(1 << 20, narrow, GFP_KERNEL)?.fits(narrow));
        Ok(())
    }

    fn neighbours_are_joined() -> Result {
        let len = (1 << 20) + 77;
        let table = SgTable::alloc(len, SegmentLimits::NONE, GFP_KERNEL)?;
        check_eq!(
            table.phys_runs().map(|run| run.len).sum::<u64>(),
            len as u64
        );
        let ends = table.phys_runs().map(|run| run.addr + run.len);
        let starts = table.phys_runs().skip(1).map(|run| run.addr);
        check!(ends.zip(starts).all(|(end, start)| end != start));
        Ok(())
    }

    fn segments_shorter_than_a_page_are_the_same_buffer() -> Result {
        let dev = TestDevice::new()?;
        for limits in short_limits() {
            let len = 5 * PAGE_SIZE + 700;
            let mut table = patterned(len, limits)?;
            check!(table.fits(limits) && is_patterned(&table)?);
            check!(table.cpu().orig_nents() >= 10);
            check!(table.cpu().orig_nents() <= len.div_ceil(512));
            // The walk has each page once. The buffer ends inside the last one.
            let once = || {
                let runs = table.cpu().pages_once();
                runs.flat_map(|run| run.pages())
            };
            let owned = table.owner().pages().map(NonNull::as_ptr);
            check!(once().eq(owned));
            let last = once().last();
            check!(table.partial_pages().map(CpuPage::as_ptr).eq(last));

            table.fill(PAGE_SIZE - 1..PAGE_SIZE + 1025, 0xee)?;
            let mut bytes = [0u8; 1030];
            table.copy_to_slice(PAGE_SIZE - 3, &mut bytes)?;
            check!(bytes[2..1028].iter().all(|&byte| byte == 0xee));
            check!([0, 1, 1028, 1029]
                .into_iter()
                .all(|i| bytes[i] == pattern(PAGE_SIZE - 3 + i)));
            table.copy_from_slice(0, &KVVec::from_elem(7u8, len, GFP_KERNEL)?)?;

            let mut mapped = table.map(dev.dma(), Bidirectional)?;
            check_eq!(mapped.lockstep().map(|piece| piece.len).sum::<usize>(), len);
            let mut at = 0;
            for piece in mapped.lockstep() {
                check!(piece.len <= 3000 && piece.offset == at % PAGE_SIZE);
                check_eq!(device_read(piece.dma_address), 7);
                device_write(piece.dma_address + piece.len as u64 - 1, 8);
                at += piece.len;
            }
            let ends = |table: &SgTable| {
                let mut ends = table.phys_runs().scan(0, |end, run| {
                    *end += run.len as usize;
                    Some(*end - 1)
                });
                ends.all(|end| {
                    let mut byte = [0];
                    table.copy_to_slice(end, &mut byte).is_ok() && byte == [8]
                })
            };
            let mut byte = [0];
            mapped
                .for_cpu_range(511..512)?
                .copy_to_slice(511, &mut byte)?;
            check_eq!(byte[0], if limits.max_size == 512 { 8 } else { 7 });
            check!(ends(&mapped.unmap()));
        }
        Ok(())
    }

    fn segments_of_16_bits_hold_pages_of_the_device() -> Result {
        // A page of the CPU may be longer than a segment.
        let dev = TestDevice::of_16_bits()?;
        const DEVICE_PAGE: usize = 4096;
        let len = (3 << 16) + DEVICE_PAGE;
        let mapped = patterned(len, dev.dma())?.map(dev.dma(), Bidirectional)?;
        check!(mapped
            .dma_segments()
            .all(|run| run.len <= u16::MAX.into()));
        // In bounced memory, segments may meet at any address.
        if mapped.is_in_place() {
            let mut blocks = mapped.dma_blocks(DEVICE_PAGE as u64)?;
            check_eq!(blocks.clone().count(), len / DEVICE_PAGE);
            let mut starts = (0..len).step_by(DEVICE_PAGE);
            check!(blocks.all(|addr| starts
                .next()
                .is_some_and(|at| device_read(addr) == pattern(at))));
        }
        check!(is_patterned(&mapped.unmap())?);
        Ok(())
    }

    fn whole_pages_hold_the_buffer() -> Result {
        let (len, page) = (3 * PAGE_SIZE, PAGE_SIZE as u64);
        for range in [
            100..PAGE_SIZE + 7,
            0..len,
            100..200,
            0..5,
            PAGE_SIZE + 1..len,
        ] {
            let mut table = SgTable::new(byte_buffer(len)?, range, SINGLE_PAGES, GFP_KERNEL)?;
            let of = |table: &SgTable<ByteBuffer>| -> Result<KVec<Run>> {
                let mut runs = KVec::new();
                for run in table.phys_runs() {
                    runs.push(run, GFP_KERNEL)?;
                }
                Ok(runs)
            };
            let bytes = of(&table)?;
            table.cover_whole_pages(false);
            let whole = of(&table)?;
            check!(whole
                .iter()
                .all(|run| run.addr % page == 0 && run.len == page));
            check!(whole.iter().zip(&bytes).all(|(whole, bytes)| {
                bytes.addr / page == whole.addr / page
                    && bytes.addr + bytes.len <= whole.addr + page
            }));
            table.cover_bytes(false);
            check!(of(&table)?[..] == bytes[..]);
        }
        Ok(())
    }
}
