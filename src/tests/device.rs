// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/device`: the memory that a device reaches, and its coherency.

use super::test_device::TestDevice;
use crate::{
    ffi,
    Bidirectional,
    Coherency,
    MapAttrs,
    PageOwner,
    SegmentLimits,
    SgTable,
    ToDevice, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The pages of a table, to make another table from.
struct Kept(SgTable);

// SAFETY:
// - The pages belong to the table, and come up once each.
// - They are zeroed as a whole.
// - Nobody accesses the table, which is kept only to own them.
unsafe impl PageOwner for Kept {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        self.0.owner().pages()
    }
}

/// Returns true if memory that a device reaches is mapped in place.
///
/// It is not if all mappings bounce, nor in sync-debug mode.
fn stays_in_place() -> Result<bool> {
    let dev = TestDevice::new()?;
    let table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
    let mapped = table.map(dev.dma(), ToDevice)?;
    Ok(mapped.is_in_place())
}

/// The distance of ranges on the bus, which is larger than that of any two pages of memory.
const ELSEWHERE: u64 = 1 << 40;

/// The number of pages of a buffer that can be one segment, even if it bounces and pages have
/// 64 KiB: the longest segment that bounces has 256 KiB.
const PAGES_PER_BLOCK: u32 = 4;

/// The length of such a buffer.
const BLOCK: usize = PAGES_PER_BLOCK as usize * PAGE_SIZE;

/// Returns a buffer that is contiguous in memory, and the address of its byte `at`.
fn block_with_border(at: usize) -> Result<(SgTable, u64)> {
    let block = SgTable::alloc_blocks(
        BLOCK,
        PAGES_PER_BLOCK.ilog2(),
        SegmentLimits::NONE,
        GFP_KERNEL,
    )?;
    let run = block.phys_runs().next().ok_or(EINVAL)?;
    check_eq!(run.len, BLOCK as u64);
    Ok((block, run.addr + at as u64))
}

/// Returns two ranges with different offsets that meet at `border` and cover all memory.
fn two_ranges(border: u64) -> [[u64; 3]; 2] {
    [[0, 0, border], [border, border + ELSEWHERE, ELSEWHERE / 2]]
}

cases! {
    sgdma_device;

    fn segments_end_where_ranges_of_the_bus_do() -> Result {
        let in_place = stays_in_place()?;
        for at in [PAGE_SIZE, PAGE_SIZE + PAGE_SIZE / 2] {
            let (block, border) = block_with_border(at)?;
            let dev = TestDevice::limited(u64::MAX, &two_ranges(border))?;
            // The segment was made for no device, and crosses the border.
            let Err(failed) = block.map(dev.dma(), Bidirectional) else {
                return Err(EINVAL);
            };
            check_eq!(failed.error, EIO);

            let table = SgTable::new(Kept(failed.buffer), 0..BLOCK, dev.dma(), GFP_KERNEL)?;
            check!(table.cpu().orig_nents() >= 2);
            let mapped = table.map(dev.dma(), Bidirectional)?;
            check_eq!(mapped.is_in_place(), in_place);
            let start = border - at as u64;
            let mut byte = start;
            for piece in mapped.lockstep() {
                for phys in [byte, byte + piece.len as u64 - 1] {
                    let right = if phys < border {
                        phys
                    } else {
                        phys + ELSEWHERE
                    };
                    check!(!mapped.is_in_place() || piece.dma_address + (phys - byte) == right);
                }
                byte += piece.len as u64;
            }
        }
        Ok(())
    }

    fn what_is_between_ranges_is_not_in_place() -> Result {
        let (block, border) = block_with_border(PAGE_SIZE)?;
        let hole = 2 * PAGE_SIZE as u64;
        let after = border + hole;
        let dev = TestDevice::limited(
            u64::MAX,
            &[[0, 0, border], [after, after, ELSEWHERE - after]],
        )?;
        check!(Coherency::of(dev.dma()) != Coherency::Coherent);
        let Err(failed) = block.map(dev.dma(), Bidirectional) else {
            return Err(EINVAL);
        };
        check_eq!(failed.error, EIO);
        let table = SgTable::new(Kept(failed.buffer), 0..BLOCK, dev.dma(), GFP_KERNEL)?;
        check!(!table.is_reached_by(dev.dma()));
        check!(table.cpu().orig_nents() >= 3);
        match table.map_attrs(dev.dma(), Bidirectional, MapAttrs::NO_WARN) {
            Ok(mapped) => {
                check!(!mapped.is_in_place());
                let (start, len) = (border - PAGE_SIZE as u64, PAGE_SIZE as u64);
                for (i, piece) in (0..).zip(mapped.lockstep()) {
                    let phys = start + i * len;
                    check!(!(border..after).contains(&phys) || piece.dma_address != phys);
                }
            }
            Err(failed) => check_eq!(failed.error, EIO),
        }
        Ok(())
    }

    fn ranges_that_have_all_memory_are_all_memory() -> Result {
        let (_block, border) = block_with_border(0)?;
        let usual = Coherency::of(TestDevice::new()?.dma());
        // Two ranges meet; or one is where there is no memory, as those for interrupts are.
        for ranges in [
            &two_ranges(border)[..],
            &[
                [ELSEWHERE, 0x800_0000, 0x1000],
                [0, ELSEWHERE, ELSEWHERE / 2],
            ],
        ] {
            let dev = TestDevice::limited(u64::MAX, ranges)?;
            check_eq!(Coherency::of(dev.dma()), usual);
        }
        Ok(())
    }

    fn memory_comes_from_where_it_is_reached() -> Result {
        let in_place = stays_in_place()?;
        for bits in [32, 30] {
            // Some platforms have no memory that is in reach of such a mask.
            let Ok(dev) = TestDevice::limited((1 << bits) - 1, &[]) else {
                continue;
            };
            let dma = dev.dma();
            let blocks = SgTable::alloc_blocks(1 << 18, 2, dma, GFP_KERNEL)?;
            for table in [SgTable::alloc(1 << 18, dma, GFP_KERNEL)?, blocks] {
                check_eq!(table.map(dma, ToDevice)?.is_in_place(), in_place);
            }
        }
        Ok(())
    }

    fn memory_plugged_in_beyond_reach_is_failed() -> Result {
        let (block, border) = block_with_border(0)?;
        let dev = TestDevice::new()?;
        let dma = dev.dma();
        drop(SgTable::alloc(PAGE_SIZE, dma, GFP_KERNEL)?.map(dma, ToDevice)?);
        // SAFETY: The device is valid, and has a mask.
        if unsafe { ffi::sgdma_can_bounce(dma.as_raw()) } {
            // Its bounce buffers would be out of reach, too.
            return Ok(());
        }
        // SAFETY: Nothing is mapped for the device.
        unsafe { ffi::sgdma_selftest_plug(dma.as_raw(), border - 1) };
        check_eq!(
            block.map(dma, ToDevice).err().map(|failed| failed.error),
            Some(EIO)
        );
        Ok(())
    }

    fn coherencies_are_those_of_c() -> Result {
        const WORDS: [&CStr; 11] = [
            c"coherent",
            c"needs-cache-maintenance",
            c"bounce-forced",
            c"bounce-encrypted",
            c"bounce-restricted-pool",
            c"bounce-mask",
            c"bounce-bus-limit",
            c"bounce-untrusted",
            c"unknown-dma-ops",
            c"no-dma",
            c"sync-debug",
        ];
        for (i, (coherency, word)) in Coherency::all().zip(WORDS).enumerate() {
            // SAFETY: The function takes any number. Its string lives as long as the library.
            let name = unsafe { CStr::from_char_ptr(ffi::sgdma_coherency_name(i as u32)) };
            check!(name == word);
            check!(Coherency::all().position(|other| other == coherency) == Some(i));
        }
        check_eq!(Coherency::all().count(), WORDS.len());
        Ok(())
    }
}
