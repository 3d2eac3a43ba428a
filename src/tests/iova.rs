// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: linking in a reserved range, without an IOMMU. `tests/modules/iova` has
//! one.

use super::{
    buffers::{
        byte_buffer,
        is_patterned,
        patterned,
        SINGLE_PAGES, //
    },
    iova_life::{
        counted,
        with_one,
        PAGES, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    Bidirectional,
    BufferError,
    ByteBuffer,
    FromDevice,
    Iova,
    IovaError,
    SegmentLimits,
    SgTable,
    ToDevice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_iova;


    fn linked_tables_come_back_as_they_were() -> Result {
        let dev = TestDevice::new()?;
        let mut range = Iova::reserve(dev.dma(), 5 * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
        check_eq!((range.len(), range.dma_runs().count()), (5 * PAGE_SIZE, 0));
        // A test device is mapped directly.
        check_eq!((range.is_one_run(), range.dma_address()), (false, None));
        for offset in [PAGES[3], PAGES[0], PAGES[2]] {
            let len = PAGE_SIZE - offset / PAGE_SIZE;
            range.link(offset, patterned(len, SINGLE_PAGES)?, GFP_ATOMIC)?;
        }
        let mut range = range.submit()?.complete();
        let lens = range.dma_runs().map(|run| run.len).sum::<u64>();
        check_eq!(lens, 3 * PAGE_SIZE as u64 - 5);
        // The walk goes by offsets.
        let first = range.table(0)?.dma_segments().next();
        check_eq!(
            range.dma_runs().next().map(|run| run.addr),
            first.map(|run| run.addr)
        );
        for offset in [PAGES[2], PAGES[0], PAGES[3]] {
            let table = range.unlink(offset)?;
            check_eq!(table.len(), PAGE_SIZE - offset / PAGE_SIZE);
            check!(is_patterned(&table)?);
            range.link(offset, table, GFP_KERNEL)?;
        }
        // Other tables of a table that has come back: it is like new.
        check!(is_patterned(
            &range.unlink(0)?.map(dev.dma(), ToDevice)?.unmap()
        )?);
        Ok(())
    }

    fn device_and_cpu_take_turns_by_unlinking() -> Result {
        let dev = TestDevice::new()?;
        let range = with_one(dev.dma(), PAGES[2])?.submit()?;
        let addr = range.dma_runs().next().ok_or(EINVAL)?.addr;
        check_eq!(device_read(addr + 9), 9);
        device_write(addr + 9, 77);
        let mut range = range.complete();
        let mut table = range.unlink(PAGES[2])?;
        let mut byte = [0];
        table.copy_to_slice(9, &mut byte)?;
        check_eq!(byte, [77]);
        table.copy_from_slice(9, &[78])?;
        range.link(PAGES[3], table, GFP_KERNEL)?;
        let range = range.submit()?;
        let addr = range
            .table(PAGES[3])?
            .dma_segments()
            .next()
            .ok_or(EINVAL)?
            .addr;
        check_eq!(device_read(addr + 9), 78);
        drop(range.complete());
        Ok(())
    }

    fn wrong_places_are_refused() -> Result {
        let dev = TestDevice::new()?;
        let reserve = |len| -> Result<Iova<'_, ToDevice>> {
            Iova::reserve(dev.dma(), len, ToDevice, GFP_KERNEL)
        };
        check_eq!(reserve(0).err(), Some(EINVAL));
        check_eq!(reserve(usize::MAX).err(), Some(E2BIG));
        drop(reserve(isize::MAX as usize)?);
        let mut range = with_one(dev.dma(), PAGES[1])?;
        for (error, offset, len) in [
            (EINVAL, 1, 1),
            (EINVAL, PAGES[3] + 512, 1),
            (ERANGE, PAGES[4], PAGE_SIZE + 1),
            (ERANGE, PAGES[5], 1),
            (ERANGE, PAGES[0].wrapping_sub(PAGE_SIZE), PAGE_SIZE),
            (EEXIST, PAGES[0], PAGE_SIZE + 1),
            (EEXIST, PAGES[1], PAGE_SIZE + 1),
            // The page in which the table ends is taken.
            (EEXIST, PAGES[2], 1),
        ] {
            let before = counted();
            let Err(failed) = range.link(offset, patterned(len, dev.dma())?, GFP_KERNEL) else {
                return Err(EINVAL);
            };
            check_eq!(failed.error, IovaError { error, offset, len });
            check!(is_patterned(&failed.buffer)?);
            check_eq!(counted(), before);
        }
        for offset in [
            PAGES[0],
            PAGES[1] + 1,
            PAGES[2],
            PAGES[4],
            PAGES[5],
            usize::MAX,
        ] {
            let refused = Err(IovaError {
                error: ENOENT,
                offset,
                len: 0,
            });
            check_eq!(range.unlink(offset).map(|_| ()), refused);
            check_eq!(range.unlink_mmio(offset), refused);
            check_eq!(range.table(offset).map(|_| ()), refused);
        }
        // It is a table, and no registers.
        check!(range.unlink_mmio(PAGES[1]).is_err());
        check!(is_patterned(&range.unlink(PAGES[1])?)?);
        check!(range.unlink(PAGES[1]).is_err());
        Ok(())
    }

    fn pages_of_an_owner_are_whole_or_refused() -> Result {
        let dev = TestDevice::new()?;
        let mut range: Iova<'_, _, ByteBuffer> =
            Iova::reserve(dev.dma(), PAGES[4], FromDevice, GFP_KERNEL)?;
        let table = |bytes| {
            SgTable::new(byte_buffer(PAGES[3])?, bytes, dev.dma(), GFP_KERNEL).map_err(Error::from)
        };
        for bytes in [0..PAGES[1] + 1, 1..PAGES[1], PAGES[1]..PAGES[2] - 1] {
            let len = bytes.len();
            let Err(BufferError { error, buffer }) = range.link(0, table(bytes)?, GFP_KERNEL)
            else {
                return Err(EINVAL);
            };
            check_eq!(
                error,
                IovaError {
                    error: EINVAL,
                    offset: 0,
                    len
                }
            );
            check_eq!(buffer.len(), len);
        }
        range.link(PAGES[1], table(PAGES[1]..PAGES[3])?, GFP_KERNEL)?;
        check_eq!(range.unlink(PAGES[1])?.into_owner()[..5], [0, 1, 2, 3, 4]);
        Ok(())
    }

    fn a_table_that_cannot_be_mapped_is_not_linked() -> Result {
        let dev = TestDevice::of_single_pages()?;
        let mut range = Iova::reserve(dev.dma(), PAGES[5], ToDevice, GFP_KERNEL)?;
        let two = SgTable::alloc_blocks(PAGES[2], 1, SegmentLimits::NONE, GFP_KERNEL)?;
        let Err(failed) = range.link(0, two, GFP_KERNEL) else {
            return Err(EINVAL);
        };
        check_eq!(failed.error.error, E2BIG);
        check_eq!(range.dma_runs().count(), 0);
        range.link(0, patterned(PAGES[2], dev.dma())?, GFP_KERNEL)?;
        Ok(())
    }
}
