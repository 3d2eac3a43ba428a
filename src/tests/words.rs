// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: words in memory that a device uses too, and walks that fill it.

use super::{
    buffers::{
        byte_buffer,
        pattern,
        short_limits, //
    },
    random::Random,
    tables::Table,
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    Bidirectional,
    CoherentBuffer,
    CoherentDevice,
    DmaFrames,
    DmaPool,
    DmaTable,
    SegmentLimits,
    SgTable,
    ToDevice,
    Word,
    Words, //
};
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Checks one size of words in the 100 bytes of `memory`, from byte `start` of a page on.
fn check_word<T: Word + PartialEq>(memory: &impl Words, start: usize, value: T) -> Result {
    let size = size_of::<T>();
    for offset in 0..100 {
        let is_word = (start + offset) % size == 0 && offset + size <= 100;
        check_eq!(memory.write(offset, value).is_ok(), is_word);
        check_eq!(memory.read(offset).ok(), is_word.then_some(value));
        check_eq!(memory.flag::<T>(offset).is_ok(), is_word);
    }
    check_eq!(
        memory.read::<T>(usize::MAX - (size - 1)).err(),
        Some(EINVAL)
    );
    Ok(())
}

/// Checks all sizes of words, as `check_word()` does.
fn check_words(memory: &impl Words, start: usize) -> Result {
    check_word(memory, start, 0x81u8)?;
    check_word(memory, start, 0x8182u16)?;
    check_word(memory, start, 0x8182_8384u32)?;
    check_word(memory, start, 0x8182_8384_8586_8788u64)
}

/// Checks the places that structures of `N` bytes may have, of which `memory` has two and more.
fn check_entries<const N: usize>(memory: &impl Words) -> Result {
    let data: [u8; N] = core::array::from_fn(|i| pattern(i + 1));
    for offset in 0..N {
        memory.copy_from_slice(0, &[0; 64])?;
        let is_entry = (offset | N) % 4 == 0;
        check_eq!(memory.write_entry(offset, &data).is_ok(), is_entry);
        let mut all = [0; 64];
        memory.copy_to_slice(0, &mut all)?;
        let mut expected = [0; 64];
        if is_entry {
            expected[offset..offset + N].copy_from_slice(&data);
        }
        check!(all == expected);
        check_eq!(
            memory
                .read_entry::<[u8; N]>(offset)
                .is_ok_and(|read| read == data),
            is_entry
        );
    }
    Ok(())
}

/// Checks that `fill` stores in `words`, of `memory`, what it stores in a slice.
fn check_fill<T: Word + PartialEq + Default>(
    memory: &impl Words,
    words: Range<usize>,
    (walk, reference): (&mut impl DmaFrames, &mut impl Iterator<Item = u64>),
    encode: impl Fn(u64) -> T,
) -> Result {
    let size = size_of::<T>();
    let at = |word: usize| memory.read::<T>(word.wrapping_mul(size));
    let around = |word: usize| at(word).unwrap_or_default();
    let (before, behind) = (around(words.start.wrapping_sub(1)), around(words.end));
    let filled = memory.fill(words.start * size..words.end * size, walk, &encode)?;
    for word in words.clone().take(filled) {
        check!(reference.next().map(&encode) == at(word).ok());
    }
    check!(filled == words.len() || reference.next().is_none());
    check!(around(words.start.wrapping_sub(1)) == before && around(words.end) == behind);
    Ok(())
}

/// Fills part after part of `memory`, until the walks of `table` end.
fn check_fills(memory: &impl Words, table: &DmaTable, random: &mut Random) -> Result {
    let mut part = |most: usize| {
        let start = random.below(most as u64) as usize;
        start..start + random.below((most - start) as u64 + 1) as usize
    };
    let (mut walk, mut reference) = (table.dma_pages(), table.dma_pages());
    while walk.clone().next().is_some() {
        let words = part(memory.len() / 8);
        check_fill(memory, words, (&mut walk, &mut reference), |addr| addr | 1)?;
    }
    if let Ok(mut walk) = table.dma_blocks(512) {
        let reference = &mut walk.clone();
        let short = |addr| (addr >> 9) as u32;
        check_fill(
            memory,
            part(memory.len() / 4),
            (&mut walk, reference),
            short,
        )?;
    }
    Ok(())
}

cases! {
    sgdma_words;

    fn words_keep_to_their_memory() -> Result {
        let dev = TestDevice::new()?;
        let buffer = CoherentBuffer::alloc(100, dev.dma(), GFP_KERNEL)?;
        check_words(&buffer, 0)?;
        let buffer = buffer.submit();
        check_words(&*buffer, 0)?;
        drop(buffer.complete());
        let block = DmaPool::new(c"words", dev.dma(), 100, 1, 0)?.alloc(GFP_KERNEL)?;
        check_words(&block, 0)
    }

    fn words_are_those_of_the_device() -> Result {
        let dev = TestDevice::new()?;
        let buffer = CoherentBuffer::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
        let block = DmaPool::new(c"words", dev.dma(), 64, 64, 0)?.alloc(GFP_KERNEL)?;
        fn check(memory: &impl Words, addr: u64) -> Result {
            memory.write(8, 0x0102_0304u32.to_be())?;
            check_eq!(device_read(addr + 10), 3);
            device_write(addr + 62, 5);
            check_eq!(memory.flag::<u16>(62)?.load().to_le() & 0xff, 5);
            memory.flag(60)?.store(9u8);
            check_eq!(device_read(addr + 60), 9);
            Ok(())
        }
        check(&buffer, buffer.dma_address())?;
        check(&block, block.dma_address())
    }

    fn entries_are_copied_by_words() -> Result {
        let dev = TestDevice::new()?;
        let buffer = CoherentBuffer::alloc(64, dev.dma(), GFP_KERNEL)?;
        check_entries::<6>(&buffer)?;
        check_entries::<12>(&buffer)?;
        check_entries::<16>(&buffer)?;
        check_entries::<32>(&buffer)?;
        check_eq!(buffer.read_entry::<[u64; 2]>(52).err(), Some(EINVAL));
        check_eq!(buffer.write_entry(usize::MAX - 3, &0u64), Err(EINVAL));
        Ok(())
    }

    fn words_of_a_table_stay_in_their_page() -> Result {
        let dev = TestDevice::new()?;
        let Ok(witness) = CoherentDevice::new(dev.dma()) else {
            return Ok(());
        };
        for limits in Iterator::chain(short_limits().into_iter(), [SegmentLimits::NONE]) {
            let table = SgTable::new(byte_buffer(104)?, 4..104, limits, GFP_KERNEL)?;
            check_words(&table.map_shared(witness, Bidirectional)?, 4)?;

            let len = 2 * PAGE_SIZE + 8;
            let table = SgTable::new(byte_buffer(len)?, 4..len, limits, GFP_KERNEL)?;
            let shared = table.map_shared(witness, Bidirectional)?;
            for offset in 0..len - 4 - 8 {
                let at = offset + 4;
                let expected = u64::from_ne_bytes(core::array::from_fn(|i| pattern(at + i)));
                let is_word = at % 8 == 0;
                check_eq!(shared.read::<u64>(offset).ok(), is_word.then_some(expected));
            }
            check!(shared.read_entry::<[u8; 8]>(PAGE_SIZE - 12).is_ok());
            check_eq!(shared.read_entry::<[u8; 8]>(PAGE_SIZE - 8).err(), Some(EINVAL));
        }
        Ok(())
    }

    fn fill_stores_what_it_stores_in_a_slice() -> Result {
        let dev = TestDevice::new()?;
        let mut random = Random::new(17);
        let buffer = CoherentBuffer::alloc(5000, dev.dma(), GFP_KERNEL)?;
        let block = DmaPool::new(c"fill", dev.dma(), 808, 8, 0)?.alloc(GFP_KERNEL)?;
        let table = SgTable::alloc(3 * PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
        let shared = match CoherentDevice::new(dev.dma()) {
            Ok(witness) => Some(table.map_shared(witness, ToDevice)?),
            Err(_) => None,
        };
        for _ in 0..50 {
            let table = Table::random(&mut random)?;
            check_fills(&buffer, table.dma(), &mut random)?;
            check_fills(&block, table.dma(), &mut random)?;
            if let Some(shared) = &shared {
                check_fills(shared, table.dma(), &mut random)?;
            }
        }
        let table = Table::random(&mut random)?;
        for wrong in [0..4, 4..8, Range { start: 8, end: 0 }, 4996..5004] {
            check_eq!(buffer.fill(wrong, &mut table.dma().dma_pages(), |addr| addr), Err(EINVAL));
        }
        Ok(())
    }

    fn guards_are_filled_in_their_range() -> Result {
        let dev = TestDevice::new()?;
        let (mut random, len) = (Random::new(18), PAGE_SIZE + 512);
        let table = loop {
            let table = Table::random(&mut random)?;
            if table.dma().dma_pages().count() > len / 8 {
                break table;
            }
        };
        let mut mapped =
            SgTable::alloc(len, dev.dma(), GFP_KERNEL)?.map(dev.dma(), Bidirectional)?;
        let mut guard = mapped.for_cpu_range(64..len - 64)?;
        for wrong in [0..72, 56..64, 64..len - 56, len - 64..len, 68..76, 64..68] {
            let walk = &mut table.dma().dma_pages();
            check_eq!(guard.fill(wrong, walk, |addr| addr), Err(EINVAL));
        }
        let words = len / 8 - 16;
        let n = guard.fill(64..len - 64, &mut table.dma().dma_pages(), |addr| addr)?;
        check_eq!(n, words);
        drop(guard);
        let mut bytes = KVec::from_elem(0u8, len, GFP_KERNEL)?;
        mapped.unmap().copy_to_slice(0, &mut bytes)?;
        let word = |bytes: &[u8]| bytes.try_into().map_or(!0, u64::from_ne_bytes);
        let seen = bytes.chunks_exact(8).map(word);
        check!(seen.clone().take(8).all(|found| found == 0));
        check!(seen.clone().skip(8).take(words).eq(table.dma().dma_pages().take(words)));
        check!(seen.skip(8 + words).all(|found| found == 0));
        Ok(())
    }
}
