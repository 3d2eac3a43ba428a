// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: coherent buffers and pools.

use super::test_device::TestDevice;
use crate::{
    CoherentBuffer,
    DmaPool,
    PoolBlock,
    Run,
    Words, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Takes `number` blocks of `pool`, checks them, and writes a mark of its own to each.
fn marked<'a>(pool: &DmaPool<'a>, number: usize, align: usize) -> Result<KVec<PoolBlock<'a>>> {
    let mut blocks = KVec::new();
    for mark in 1..=number {
        // Without coherent caches, the kernel has a reserve for atomic allocations, a small one.
        let gfp = if mark == 1 { GFP_ATOMIC } else { GFP_KERNEL };
        let block = pool.alloc(gfp)?;
        let mut bytes = KVec::from_elem(0xffu8, block.len(), GFP_KERNEL)?;
        block.copy_to_slice(0, &mut bytes)?;
        check!(bytes.iter().all(|byte| *byte == 0));
        check_eq!(block.dma_address() % align as u64, 0);
        bytes.fill(mark as u8);
        block.copy_from_slice(0, &bytes)?;
        blocks.push(block, GFP_KERNEL)?;
    }
    for (mark, block) in (1..).zip(&blocks) {
        let mut bytes = KVec::from_elem(0u8, block.len(), GFP_KERNEL)?;
        block.copy_to_slice(0, &mut bytes)?;
        check!(bytes.iter().all(|byte| *byte == mark));
    }
    Ok(blocks)
}

cases! {
    sgdma_coherent;

    fn coherent_buffers_are_one_zeroed_run() -> Result {
        let dev = TestDevice::new()?;
        let alloc = |len, gfp| CoherentBuffer::alloc(len, dev.dma(), gfp);
        // Where nothing may sleep, memory may come from a pool of 128 KiB.
        for len in [1, PAGE_SIZE - 1, PAGE_SIZE, 20483] {
            for gfp in [GFP_KERNEL, GFP_ATOMIC] {
                let buffer = alloc(len, gfp)?;
                let mut bytes = KVec::from_elem(0xffu8, len, GFP_KERNEL)?;
                buffer.copy_to_slice(0, &mut bytes)?;
                check!(bytes.iter().all(|byte| *byte == 0));
                check_eq!(buffer.copy_to_slice(1, &mut bytes), Err(EINVAL));
                bytes.fill(7);
                check_eq!(buffer.copy_from_slice(1, &bytes), Err(EINVAL));
                check_eq!(buffer.read::<u8>(len - 1), Ok(0));
                let addr = buffer.dma_address();
                check!(buffer.dma_runs().eq([Run { addr, len: len as u64 }]));
                check_eq!((addr % PAGE_SIZE as u64, buffer.len(), buffer.nents()), (0, len, 1));
                check_eq!(buffer.dma_pages().count(), len.div_ceil(PAGE_SIZE));
            }
        }
        check_eq!(alloc(0, GFP_KERNEL).err(), Some(EINVAL));
        for len in [4 << 30, usize::MAX] {
            check_eq!(alloc(len, GFP_KERNEL).err(), Some(E2BIG));
        }
        check_eq!(alloc((4 << 30) - PAGE_SIZE, GFP_KERNEL).err(), Some(ENOMEM));
        Ok(())
    }

    fn blocks_of_a_pool_are_aligned_and_apart() -> Result {
        let dev = TestDevice::new()?;
        for (size, align, boundary) in [(1, 1, 0), (24, 8, 64), (80, 32, 4096), (PAGE_SIZE, 512, 0)]
        {
            let pool = DmaPool::new(c"blocks", dev.dma(), size, align, boundary)?;
            let mut blocks = marked(&pool, 150, align.max(8))?;
            for block in blocks.iter().filter(|_| boundary != 0) {
                let (first, last) = (block.dma_address(), block.dma_address() + size as u64 - 1);
                check_eq!(first / boundary as u64, last / boundary as u64);
            }
            // What is freed is zeroed again, and some blocks outlive the handle.
            blocks.truncate(10);
            let more = marked(&pool, 150, align.max(8))?;
            drop((pool, blocks));
            drop(more);
        }
        Ok(())
    }

    fn wrong_pools_are_refused() -> Result {
        let dev = TestDevice::new()?;
        let new = |size, align, boundary| {
            DmaPool::new(c"wrong", dev.dma(), size, align, boundary).err()
        };
        check_eq!(new(0, 8, 0), Some(EINVAL));
        check_eq!(new(8, 0, 0), Some(EINVAL));
        check_eq!(new(8, 24, 0), Some(EINVAL));
        check_eq!(new(8, 8, 24), Some(EINVAL));
        check_eq!(new(65, 64, 64), Some(EINVAL));
        check_eq!(new(8, 1 << 63, 0), Some(E2BIG));
        check_eq!(new(usize::MAX, 1, 0), Some(E2BIG));
        Ok(())
    }
}
