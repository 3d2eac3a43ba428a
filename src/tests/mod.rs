// SPDX-License-Identifier: GPL-2.0

//! Self-tests, run when the module is loaded: by KUnit, or without it by `selftest=1`.
//!
//! A case that fails returns, and so drops what it has made: the next one begins afresh.

mod walks;

use crate::{
    ffi, //
    *,
};
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    alloc::flags::GFP_KERNEL,
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    faux,
    page::PAGE_SIZE,
    sync::Arc,
    time::Jiffies,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// Ends the case unless `$cond` is true.
macro_rules! check {
    ($cond:expr $(,)?) => {
        if !$cond {
            pr_err!("{}:{}: not so: {}\n", file!(), line!(), stringify!($cond));
            return Err(EINVAL);
        }
    };
}

/// Ends the case unless both are equal.
macro_rules! check_eq {
    ($left:expr, $right:expr $(,)?) => {
        check!($left == $right)
    };
}

/// A device that takes part in the DMA API and has no hardware behind it.
struct TestDevice(faux::Registration, Arc<Unbinding>);

impl TestDevice {
    fn new() -> Result<Self> {
        Self::limited(u64::MAX, &[])
    }

    fn named(name: &'static CStr) -> Result<Self> {
        Self::made(name, u64::MAX, &[])
    }

    /// One whose mask is `mask` and whose bus has ranges, each of an address in memory, one on the
    /// bus, and a size.
    fn limited(mask: u64, ranges: &[[u64; 3]]) -> Result<Self> {
        Self::made(c"sgdma-selftest", mask, ranges)
    }

    fn made(name: &'static CStr, mask: u64, ranges: &[[u64; 3]]) -> Result<Self> {
        let faux = faux::Registration::new(name, None)?;
        let dev: *mut bindings::device = core::ptr::from_ref(faux.as_ref()).cast_mut().cast();
        // SAFETY: Faux devices have room for one mask and no pointer to it. Nobody else knows the
        // device yet.
        unsafe { (*dev).dma_mask = &raw mut (*dev).coherent_dma_mask };
        if !ranges.is_empty() {
            // SAFETY: `dev` is valid and has none yet; `ranges` are as many.
            to_result(unsafe {
                ffi::sgdma_selftest_set_ranges(dev, ranges.as_ptr(), ranges.len())
            })?;
        }
        // SAFETY: `dev` is valid, and nothing is mapped for it yet.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(dev, mask) })?;
        Ok(Self(faux, Arc::pin_init(Unbinding::new(), GFP_KERNEL)?))
    }

    fn dma(&self) -> DmaDevice<'_> {
        let dev: &Device = self.0.as_ref();
        // SAFETY: Faux devices are bound to their driver as long as they are registered.
        let dev: &Device<Bound> = unsafe { dev.as_bound() };
        // SAFETY: The mask was set by `made()`, and nobody changes it afterwards.
        unsafe { DmaDevice::from_bound(dev, &self.1) }
    }
}

/// Writes a byte as the test device would.
fn device_write(addr: u64, byte: u8) {
    // SAFETY: The test device is mapped directly, and the callers have the address from one of its
    // mappings, which is there still.
    unsafe { ffi::sgdma_selftest_device_write(addr, byte) };
}

/// Reads one likewise.
fn device_read(addr: u64) -> u8 {
    // SAFETY: As for `device_write()`.
    unsafe { ffi::sgdma_selftest_device_read(addr) }
}

/// A byte of a pattern that repeats neither with the page nor with the segment.
fn pattern(i: usize) -> u8 {
    (i % 251) as u8
}

fn patterned<'a>(len: usize, limits: impl Into<SegmentLimits<'a>>) -> Result<SgTable> {
    let mut table = SgTable::alloc(len, limits, GFP_KERNEL)?;
    let mut bytes = KVVec::with_capacity(len, GFP_KERNEL)?;
    for i in 0..len {
        bytes.push(pattern(i), GFP_KERNEL)?;
    }
    table.copy_from_slice(0, &bytes)?;
    Ok(table)
}

fn is_patterned(table: &SgTable) -> Result<bool> {
    let mut bytes = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
    table.copy_to_slice(0, &mut bytes)?;
    Ok(bytes.iter().enumerate().all(|(i, &b)| b == pattern(i)))
}

const SINGLE_PAGES: SegmentLimits<'static> = SegmentLimits {
    max_size: PAGE_SIZE,
    ..SegmentLimits::NONE
};

fn alloc_refuses_bad_sizes() -> Result {
    let alloc = |len, limits: SegmentLimits<'_>| SgTable::alloc(len, limits, GFP_KERNEL).err();
    let none = SegmentLimits::NONE;
    let bad = [
        SegmentLimits {
            max_size: 0,
            ..none
        },
        SegmentLimits {
            max_size: SegmentLimits::MIN - 1,
            ..none
        },
        SegmentLimits {
            boundary: SegmentLimits::MIN / 2 - 1,
            ..none
        },
        SegmentLimits {
            boundary: PAGE_SIZE,
            ..none
        },
    ];
    check_eq!(alloc(0, none), Some(EINVAL));
    for limits in bad {
        check_eq!(alloc(1, limits), Some(EINVAL));
    }
    check_eq!(alloc(PAGE_SIZE << 40, SegmentLimits::NONE), Some(ENOMEM));
    check_eq!(alloc(usize::MAX, SegmentLimits::NONE), Some(ENOMEM));
    Ok(())
}

fn new_buffer_is_zeroed() -> Result {
    let table = SgTable::alloc(3 * PAGE_SIZE + 1, SegmentLimits::NONE, GFP_KERNEL)?;
    let mut bytes = KVVec::from_elem(0xffu8, table.len(), GFP_KERNEL)?;
    table.copy_to_slice(0, &mut bytes)?;
    check_eq!(table.cpu().cpu_pages().count(), 4);
    check!(bytes.iter().all(|&b| b == 0));
    Ok(())
}

fn copies_cross_pages_and_segments() -> Result {
    let mut table = SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?;
    let mut back = [0u8; 600];
    let data: [u8; 600] = core::array::from_fn(pattern);
    table.copy_from_slice(2 * PAGE_SIZE - 300, &data)?;
    table.copy_to_slice(2 * PAGE_SIZE - 300, &mut back)?;
    check!(back == data);
    table.copy_to_slice(2 * PAGE_SIZE - 301, &mut back[..1])?;
    check_eq!(back[0], 0);
    Ok(())
}

fn copies_beyond_the_end_are_refused() -> Result {
    let mut table = SgTable::alloc(100, SegmentLimits::NONE, GFP_KERNEL)?;
    let mut bytes = [1u8; 2];
    check_eq!(table.copy_from_slice(99, &bytes), Err(EINVAL));
    check_eq!(table.copy_to_slice(99, &mut bytes), Err(EINVAL));
    check_eq!(table.copy_to_slice(usize::MAX, &mut bytes), Err(EINVAL));
    check_eq!(table.copy_to_slice(98, &mut bytes), Ok(()));
    check_eq!(bytes, [0, 0]);
    Ok(())
}

fn fill_keeps_to_its_range() -> Result {
    let mut table = SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?;
    table.fill(0..3 * PAGE_SIZE, 0xee)?;
    table.zero(PAGE_SIZE - 300..2 * PAGE_SIZE + 1)?;
    let mut bytes = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
    table.copy_to_slice(0, &mut bytes)?;
    check!(bytes.iter().enumerate().all(|(i, &byte)| {
        let zeroed = (PAGE_SIZE - 300..2 * PAGE_SIZE + 1).contains(&i);
        byte == if zeroed { 0 } else { 0xee }
    }));
    check_eq!(table.fill(0..0, 1), Ok(()));
    for bad in [0..3 * PAGE_SIZE + 1, Range { start: 2, end: 1 }] {
        check_eq!(table.fill(bad, 1), Err(EINVAL));
    }
    Ok(())
}

fn blocks_are_contiguous_and_aligned() -> Result {
    // Three blocks, of the last of which one page is needed, and a byte of that.
    let len = 8 * PAGE_SIZE + 1;
    let block = 4 * PAGE_SIZE;
    let table = SgTable::alloc_blocks(len, 2, SegmentLimits::NONE, GFP_KERNEL)?;
    check_eq!(table.cpu().cpu_pages().count(), 9);
    check!(table.cpu().orig_nents() <= 3);
    let pages = || {
        table
            .phys_runs()
            .flat_map(|run| (run.addr..run.addr + run.len).step_by(PAGE_SIZE))
    };
    check!(pages().step_by(4).all(|addr| addr % block as u64 == 0));
    check!(pages()
        .zip(pages().skip(1))
        .enumerate()
        .all(|(i, (page, next))| { i % 4 == 3 || next == page + PAGE_SIZE as u64 }));
    let order = bindings::MAX_PAGE_ORDER + 1;
    check_eq!(
        SgTable::alloc_blocks(1, order, SegmentLimits::NONE, GFP_KERNEL).err(),
        Some(EINVAL)
    );
    Ok(())
}

fn byte_buffer(len: usize) -> Result<ByteBuffer> {
    let mut bytes = VVec::with_capacity(len, GFP_KERNEL)?;
    for i in 0..len {
        bytes.push(pattern(i), GFP_KERNEL)?;
    }
    Ok(bytes.into())
}

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
    // What was there before goes back to the allocator, and comes from there again.
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
    // As `vm_insert_page()` does, which safe code can call with a page of the vector's.
    let at = bytes.as_ptr().wrapping_add(2 * PAGE_SIZE).cast();
    // SAFETY: The address is in memory that vmalloc has given.
    let page = unsafe { bindings::vmalloc_to_page(at) };
    // SAFETY: The page is there.
    unsafe { ffi::sgdma_selftest_refer(page, true) };
    let table = SgTable::new(
        ByteBuffer::from(bytes),
        0..PAGE_SIZE,
        SegmentLimits::NONE,
        GFP_KERNEL,
    );
    // SAFETY: The reference was taken above. The vector is there still, in what comes next.
    unsafe { ffi::sgdma_selftest_refer(page, false) };
    let Err(refused) = table else {
        return Err(EINVAL);
    };
    check_eq!(refused.error, EINVAL);
    // As `munmap()` leaves it.
    let bytes = ByteBuffer::from(VVec::from(refused.buffer));
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
        let Err(refused) = SgTable::new(buffer, bad, SegmentLimits::NONE, GFP_KERNEL) else {
            return Err(EINVAL);
        };
        check_eq!(refused.error, EINVAL);
        buffer = refused.buffer;
        check_eq!((buffer.len(), buffer[len - 1]), (len, pattern(len - 1)));
    }
    Ok(())
}

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

/// The sort of limits that have segments begin and end inside pages.
fn short_limits() -> [SegmentLimits<'static>; 3] {
    let none = SegmentLimits::NONE;
    [
        SegmentLimits {
            max_size: 512,
            ..none
        },
        SegmentLimits {
            max_size: 3000,
            ..none
        },
        SegmentLimits {
            boundary: 1023,
            ..none
        },
    ]
}

fn segments_shorter_than_a_page_are_the_same_buffer() -> Result {
    let dev = TestDevice::new()?;
    for limits in short_limits() {
        let len = 5 * PAGE_SIZE + 700;
        let mut table = patterned(len, limits)?;
        check!(table.fits(limits) && is_patterned(&table)?);
        check!(table.cpu().orig_nents() >= 10);
        check!(table.cpu().orig_nents() <= len.div_ceil(512));
        // Each page once, and those that the buffer begins or ends in the middle of.
        let once = || {
            let runs = table.cpu().pages_once();
            runs.flat_map(crate::walk::cpu::PageRun::pages)
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

/// A table's pages, from which other tables are made.
struct Kept(SgTable);

// SAFETY: They are the table's own, each once and zeroed whole, and it is not used but for this.
unsafe impl PageOwner for Kept {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        self.0.owner().pages()
    }
}

/// Whether what is in reach stays in place: not where all bounces, nor in sync-debug mode.
fn stays_in_place() -> Result<bool> {
    let dev = TestDevice::new()?;
    let table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
    let mapped = table.map(dev.dma(), ToDevice)?;
    Ok(mapped.is_in_place())
}

/// Where ranges of the test devices' buses lie, as far apart as memory is not.
const ELSEWHERE: u64 = 1 << 40;

/// As much as one segment may be in sync-debug mode, too.
const BLOCK: usize = 8 * PAGE_SIZE;

/// A block, contiguous in memory, and an address inside.
fn block_with_border(at: usize) -> Result<(SgTable, u64)> {
    let block = SgTable::alloc_blocks(BLOCK, 3, SegmentLimits::NONE, GFP_KERNEL)?;
    let run = block.phys_runs().next().ok_or(EINVAL)?;
    check_eq!(run.len, BLOCK as u64);
    Ok((block, run.addr + at as u64))
}

/// Two ranges, with different offsets, that meet at `border` and have all memory.
fn two_ranges(border: u64) -> [[u64; 3]; 2] {
    [[0, 0, border], [border, border + ELSEWHERE, ELSEWHERE / 2]]
}

fn segments_end_where_ranges_of_the_bus_do() -> Result {
    let in_place = stays_in_place()?;
    for at in [5 * PAGE_SIZE, 5 * PAGE_SIZE + PAGE_SIZE / 2] {
        let (block, border) = block_with_border(at)?;
        let dev = TestDevice::limited(u64::MAX, &two_ranges(border))?;
        // Made for another device, or for none.
        let Err(refused) = block.map(dev.dma(), Bidirectional) else {
            return Err(EINVAL);
        };
        check_eq!(refused.error, EIO);

        let table = SgTable::new(Kept(refused.buffer), 0..BLOCK, dev.dma(), GFP_KERNEL)?;
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
    let (block, border) = block_with_border(5 * PAGE_SIZE)?;
    let hole = 2 * PAGE_SIZE as u64;
    let after = border + hole;
    let dev = TestDevice::limited(
        u64::MAX,
        &[[0, 0, border], [after, after, ELSEWHERE - after]],
    )?;
    check!(Coherency::of(dev.dma()) != Coherency::Coherent);
    let Err(refused) = block.map(dev.dma(), Bidirectional) else {
        return Err(EINVAL);
    };
    check_eq!(refused.error, EIO);
    let table = SgTable::new(Kept(refused.buffer), 0..BLOCK, dev.dma(), GFP_KERNEL)?;
    check!(!table.is_reached_by(dev.dma()));
    check!(table.cpu().orig_nents() >= 3);
    match table.map_attrs(dev.dma(), Bidirectional, MapAttrs::NO_WARN) {
        Ok(mapped) => {
            check!(!mapped.is_in_place());
            let (start, len) = (border - 5 * PAGE_SIZE as u64, PAGE_SIZE as u64);
            for (i, piece) in (0..).zip(mapped.lockstep()) {
                let phys = start + i * len;
                check!(!(border..after).contains(&phys) || piece.dma_address != phys);
            }
        }
        Err(refused) => check_eq!(refused.error, EIO),
    }
    Ok(())
}

fn ranges_that_have_all_memory_are_all_memory() -> Result {
    let (_block, border) = block_with_border(0)?;
    let usual = Coherency::of(TestDevice::new()?.dma());
    // Two halves; and one more where there is no memory, as for interrupts.
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
        // Not all platforms have memory for all masks.
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

fn memory_plugged_in_beyond_reach_is_refused() -> Result {
    let (block, border) = block_with_border(0)?;
    let dev = TestDevice::new()?;
    let dma = dev.dma();
    drop(SgTable::alloc(PAGE_SIZE, dma, GFP_KERNEL)?.map(dma, ToDevice)?);
    // SAFETY: The device is valid, with a mask.
    if unsafe { ffi::sgdma_can_bounce(dma.as_raw()) } {
        // The bounce buffers would be beyond its reach, too.
        return Ok(());
    }
    // SAFETY: Nothing is mapped for the device.
    unsafe { ffi::sgdma_selftest_plug(dma.as_raw(), border - 1) };
    check_eq!(
        block.map(dma, ToDevice).err().map(|refused| refused.error),
        Some(EIO)
    );
    Ok(())
}

fn mapping_covers_the_buffer_and_no_more() -> Result {
    let dev = TestDevice::new()?;
    let len = 50 * PAGE_SIZE + 123;
    let mapped = SgTable::alloc(len, dev.dma(), GFP_KERNEL)?.map(dev.dma(), ToDevice)?;
    check_eq!(
        mapped.dma_segments().map(|run| run.len).sum::<u64>(),
        len as u64
    );
    check_eq!(mapped.dma_segments().len(), mapped.nents());
    check!(mapped.nents() <= mapped.cpu().orig_nents());
    let max = dev.dma().max_seg_size() as u64;
    check!(mapped.dma_segments().all(|run| run.len <= max));
    Ok(())
}

fn dma_pages_equal_the_c_iterator() -> Result {
    let dev = TestDevice::new()?;
    // So many single pages take a scatterlist of two chained arrays, and half a bounce pool of the
    // least size, a mebibyte.
    const PAGES: usize = 130;
    for limits in [SINGLE_PAGES, dev.dma().into()] {
        // Whole pages: a bounced tail may lie anywhere in its frame, where C is wrong.
        let table = SgTable::alloc(PAGES * PAGE_SIZE, limits, GFP_KERNEL)?;
        let mapped = table.map(dev.dma(), Bidirectional)?;
        let expected = || walks::c_dma_pages(&mapped, 0);
        check_eq!(expected().count(), PAGES);
        check!(mapped.dma_pages().eq(expected()));
        let mut folded = KVVec::new();
        mapped.dma_pages().for_each(|addr| {
            let _ = folded.push(addr, GFP_KERNEL);
        });
        check!(folded.iter().copied().eq(expected()));
    }
    Ok(())
}

fn walks_equal_those_of_c() -> Result {
    // SAFETY: It was set before the module's code ran, and does not change.
    let parameters = unsafe { &*ffi::sgdma_parameters() };
    check_eq!(walks::tables(parameters.tables, parameters.seed)?, 0);
    Ok(())
}

fn tables_of_64_gib_are_walked() -> Result {
    check!(walks::walk_64_gib()?);
    Ok(())
}

fn data_survives_map_and_unmap() -> Result {
    let dev = TestDevice::new()?;
    let table = patterned(20 * PAGE_SIZE + 17, dev.dma())?;
    let table = table.map(dev.dma(), ToDevice)?.unmap();
    let table = table.map(dev.dma(), Bidirectional)?.unmap();
    check!(is_patterned(&table)?);
    Ok(())
}

fn for_cpu_hands_over_and_back() -> Result {
    let dev = TestDevice::new()?;
    let mut mapped =
        SgTable::alloc(9 * PAGE_SIZE + 9, dev.dma(), GFP_KERNEL)?.map(dev.dma(), Bidirectional)?;
    let data: [u8; 600] = core::array::from_fn(pattern);
    let at = 3 * PAGE_SIZE - 300;
    mapped.for_cpu().copy_from_slice(at, &data)?;
    let mut back = [0; 600];
    mapped.for_cpu().copy_to_slice(at, &mut back)?;
    check!(back == data);
    // Bounced memory would be gone without the hand-over.
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

/// A page that begins with a 7, which a guard has written and, forgotten, not handed over. Bounced
/// memory loses it if nobody else does.
fn with_forgotten_guard(dev: &TestDevice) -> Result<Mapped<'_, Bidirectional>> {
    let table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
    let mut mapped = table.map(dev.dma(), Bidirectional)?;
    let mut cpu = mapped.for_cpu();
    cpu.copy_from_slice(0, &[7])?;
    core::mem::forget(cpu);
    Ok(mapped)
}

fn first_byte(table: &SgTable) -> Result<u8> {
    let mut byte = [0];
    table.copy_to_slice(0, &mut byte)?;
    Ok(byte[0])
}

fn forgotten_guard_is_made_good_by_submit() -> Result {
    let dev = TestDevice::new()?;
    let in_flight = with_forgotten_guard(&dev)?.submit();
    let run = in_flight.dma_segments().next().ok_or(EINVAL)?;
    // What the device writes from now on is newer than what the guard wrote, and must stay.
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

/// What the CPU's pages have at byte `at` of the buffer, and what the device sees there.
fn both_sides<D: Direction, P>(mapped: &Mapped<'_, D, P>, at: usize) -> Result<(u8, u8)> {
    let mut start = 0;
    for piece in mapped.lockstep() {
        if at < start + piece.len {
            // SAFETY: Arithmetic on the pointer's value.
            let page = unsafe { ffi::sgdma_page_to_phys(piece.page.as_ptr()) };
            let i = (at - start) as u64;
            // The test device's addresses are physical ones.
            let cpu = device_read(page + piece.offset as u64 + i);
            return Ok((cpu, device_read(piece.dma_address + i)));
        }
        start += piece.len;
    }
    Err(EINVAL)
}

/// Which bytes of a page are in the hands of the CPU.
const TURN: Range<usize> = 100..200;

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

    // What the device leaves is what was there.
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
    let (Some(first), Some(last)) = (mapped.dma_segments().next(), mapped.dma_segments().last())
    else {
        return Err(EINVAL);
    };
    // Where the device is given other pages yet, these have a buffer's bytes only.
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
    let Err(refused) = table.map_attrs(dev.dma(), Bidirectional, attrs) else {
        return Err(EINVAL);
    };
    check!(is_patterned(&refused.buffer)?);
    Ok(())
}

/// Has CPU and device take turns at random parts of a buffer, and compares with an array.
fn take_turns(attrs: MapAttrs) -> Result {
    let dev = TestDevice::new()?;
    let len = 4 * PAGE_SIZE + 7;
    let mut bytes = KVVec::from_elem(0u8, len, GFP_KERNEL)?;
    let mut model = KVVec::from_elem(0u8, len, GFP_KERNEL)?;
    let table = SgTable::alloc(len, SINGLE_PAGES, GFP_KERNEL)?;
    let mut mapped = table.map_attrs(dev.dma(), Bidirectional, attrs)?;
    let mut random = walks::Random::new(1);
    for turn in 0..200u8 {
        let mut part = || {
            let start = random.below(len as u64) as usize;
            let most = (len - start).min(2 * PAGE_SIZE) as u64;
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

fn turns_are_taken_as_by_an_array() -> Result {
    take_turns(MapAttrs::NONE)?;
    take_turns(MapAttrs::SYNC_DEBUG)
}

#[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
fn marks_of_an_earlier_mapping_are_gone() -> Result {
    let dev = TestDevice::new()?;
    let mut table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
    // SAFETY: The first entry of a table that nobody else has. 2 is `SG_DMA_SWIOTLB`.
    unsafe { (*table.sgt_mut().sgl).dma_flags = 2 };
    let table = table.map(dev.dma(), ToDevice)?.unmap();
    // SAFETY: As above.
    check_eq!(unsafe { (*table.sgt().sgl).dma_flags }, 0);
    Ok(())
}

fn verdicts_are_those_of_c() -> Result {
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
        // SAFETY: The function takes any number, and gives a string that lives as long as the library.
        let name = unsafe { CStr::from_char_ptr(ffi::sgdma_coherency_name(i as u32)) };
        check!(name == word);
        check!(Coherency::all().position(|other| other == coherency) == Some(i));
    }
    check_eq!(Coherency::all().count(), WORDS.len());
    Ok(())
}

fn in_place_is_told_from_bounced() -> Result {
    let dev = TestDevice::new()?;
    let mapped =
        SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?.map(dev.dma(), ToDevice)?;
    let seen = mapped.dma_segments().map(|run| run.addr);
    let in_place = seen.eq(mapped
        .cpu()
        .entries()
        .map(|sg| crate::table::from_pages::sg_phys_run(sg).addr));
    check_eq!(mapped.is_in_place(), in_place);
    // As what C has mapped.
    let raw = mapped.as_raw();
    // SAFETY: It is one table, of memory and mapped for this device, as long as `mapped` is there.
    let told = unsafe { DmaTable::from_raw(raw).is_in_place(CpuTable::from_raw(raw), dev.dma()) };
    check_eq!(told, in_place);
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
            bytes.addr / page == whole.addr / page && bytes.addr + bytes.len <= whole.addr + page
        }));
        table.cover_bytes(false);
        check!(of(&table)?[..] == bytes[..]);
    }
    Ok(())
}

fn errors_are_those_of_the_kernel() -> Result {
    check_eq!(EOPNOTSUPP, Error::from_errno(-95));
    check_eq!(EREMOTEIO, Error::from_errno(-121));
    Ok(())
}

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
        let Err(refused) = table.in_place_for(dev.dma()) else {
            return Err(EINVAL);
        };
        check_eq!(refused.error, EOPNOTSUPP);
        check_eq!(refused.buffer.len(), PAGE_SIZE + 1);
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

fn best_blocks_hold_the_buffer() -> Result {
    let dev = TestDevice::new()?;
    let page = PAGE_SIZE as u64;
    let order = 3;
    let block = page << order;
    let table = SgTable::alloc_blocks(4 * block as usize, order, dev.dma(), GFP_KERNEL)?;
    let mapped = table.map(dev.dma(), Bidirectional)?;
    let first = mapped.dma_segments().next().ok_or(EINVAL)?.addr;
    let best = |sizes, va| mapped.best_block_size(sizes, va);
    for sizes in [page, page | block, block, u64::MAX] {
        let Ok(size) = best(sizes, first) else {
            // Where it has bounced to, pieces may meet anywhere.
            check!(!mapped.is_in_place());
            continue;
        };
        let blocks = mapped.dma_blocks(size)?;
        check_eq!(blocks.offset(), first % size);
        check!(blocks.clone().count() as u64 * size >= 4 * block);
        check!(blocks.into_iter().all(|addr| addr % size == 0));
    }
    if mapped.is_in_place() {
        check_eq!(best(page | block, first + page), Ok(page));
    }
    check_eq!(best(block, first + page), Err(ERANGE));
    check_eq!(best(page, first + 1), Err(ERANGE));
    check_eq!(best(page, 0u64.wrapping_sub(page)), Err(ERANGE));
    check_eq!(best(0, first), Err(ERANGE));
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
    // Nothing is there; and in a kernel thread, in which KUnit runs this, nothing could be.
    check_eq!(pin(0, 1), Some(EFAULT));
    check_eq!(UserTable::pin(0, 1, ToDevice, short).err(), Some(EINVAL));
    Ok(())
}

/// Memory of the process that loads the module, to which it says nothing.
struct UserMemory {
    addr: usize,
    len: usize,
}

impl UserMemory {
    /// None in a kernel thread.
    fn new(len: usize) -> Result<Option<Self>> {
        // SAFETY: Looks for a process itself.
        let addr = unsafe { ffi::sgdma_selftest_user_memory(len) };
        if addr == 0 {
            return Ok(None);
        }
        Ok(Some(Self { addr, len }))
    }

    fn slice(&self, at: usize, len: usize) -> UserSlice {
        UserSlice::new(UserPtr::from_addr(self.addr + at), len)
    }
}

impl Drop for UserMemory {
    fn drop(&mut self) {
        // SAFETY: Mapped by `new()`; nobody else knows of it.
        unsafe { bindings::vm_munmap(self.addr, self.len) };
    }
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
    // It stays pinned, and can be shared again.
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
    let refs = || -> usize {
        let pages = table.cpu().cpu_pages();
        // SAFETY: The pages are pinned.
        pages
            .map(|page| unsafe { ffi::sgdma_selftest_page_refs(page.as_ptr()) as usize })
            .sum()
    };
    let before = refs();
    for limits in short_limits() {
        let short = pin(limits)?;
        check!(refs() > before);
        short.copy_from_slice(len - 600, &[9; 600])?;
        drop(short);
        check_eq!(refs(), before);
    }
    let mut back = [0; 600];
    table.copy_to_slice(len - 600, &mut back)?;
    check_eq!(back, [9; 600]);
    Ok(())
}

fn unbinding_is_seen_by_who_waits() -> Result {
    let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
    check_eq!(unbinding.wait(1, || false), Err(ETIMEDOUT));
    check_eq!(unbinding.wait(0, || true), Ok(()));
    let mut asked = 0;
    // A wake-up before the sleep is one of which the sleep knows.
    let third = || {
        unbinding.wake_all();
        asked += 1;
        asked == 3
    };
    check_eq!(unbinding.wait(Jiffies::MAX, third), Ok(()));
    check!(!unbinding.has_begun());
    unbinding.begin();
    check!(unbinding.has_begun());
    check_eq!(unbinding.wait(Jiffies::MAX, || false), Err(ENODEV));
    check_eq!(unbinding.wait(0, || true), Ok(()));
    Ok(())
}

fn two_devices_have_one_page_of_a_process() -> Result {
    let (one, other) = (TestDevice::new()?, TestDevice::named(c"sgdma-selftest-2")?);
    let Some(memory) = UserMemory::new(2 * PAGE_SIZE)? else {
        return Ok(());
    };
    let Ok(witnesses) =
        CoherentDevice::new(one.dma()).and_then(|one| Ok([one, CoherentDevice::new(other.dma())?]))
    else {
        return Ok(());
    };
    // The same bytes, and others in one cache line with them. DMA debugging says nothing of it.
    fn map<'a>(
        addr: usize,
        witness: CoherentDevice<'a>,
    ) -> Result<Shared<'a, Bidirectional, PinnedPages<Bidirectional>>> {
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

fn failed_map_gives_the_buffer_back() -> Result {
    let dev = TestDevice::new()?;
    // Single pages until the allocator gives two neighbours more than the device takes.
    let mut len = 2 * dev.dma().max_seg_size();
    let table = loop {
        let table = patterned(len, SegmentLimits::NONE)?;
        if !table.fits(dev.dma().into()) {
            break table;
        }
        len *= 2;
    };
    let Err(failed) = table.map(dev.dma(), ToDevice) else {
        return Err(EINVAL);
    };
    check_eq!(failed.error, E2BIG);
    check!(is_patterned(&failed.buffer)?);
    Ok(())
}

fn submitted_table_comes_back_when_complete() -> Result {
    let dev = TestDevice::new()?;
    let in_flight = patterned(5 * PAGE_SIZE, dev.dma())?
        .map(dev.dma(), ToDevice)?
        .submit();
    check_eq!(in_flight.dma_pages().count(), 5);
    check!(is_patterned(&in_flight.complete().unmap())?);
    Ok(())
}

macro_rules! cases {
    ($($(#[$cfg:meta])? $name:ident),* $(,)?) => {
        #[kunit_tests(sgdma)]
        mod kunit {
            $(
                $(#[$cfg])?
                #[test]
                fn $name() -> kernel::error::Result {
                    super::$name()
                }
            )*
        }

        const CASES: &[(&str, fn() -> Result)] = &[$($(#[$cfg])? (stringify!($name), $name)),*];
    };
}

cases! {
    alloc_refuses_bad_sizes,
    new_buffer_is_zeroed,
    copies_cross_pages_and_segments,
    copies_beyond_the_end_are_refused,
    fill_keeps_to_its_range,
    blocks_are_contiguous_and_aligned,
    vmalloc_bytes_are_a_table,
    rest_of_the_last_page_is_zeroed,
    bytes_that_user_space_has_make_no_table,
    part_of_an_owner_is_a_table,
    refused_owner_comes_back,
    segments_keep_to_the_limit,
    neighbours_are_joined,
    segments_shorter_than_a_page_are_the_same_buffer,
    segments_end_where_ranges_of_the_bus_do,
    what_is_between_ranges_is_not_in_place,
    ranges_that_have_all_memory_are_all_memory,
    memory_comes_from_where_it_is_reached,
    memory_plugged_in_beyond_reach_is_refused,
    mapping_covers_the_buffer_and_no_more,
    dma_pages_equal_the_c_iterator,
    walks_equal_those_of_c,
    tables_of_64_gib_are_walked,
    data_survives_map_and_unmap,
    for_cpu_hands_over_and_back,
    for_cpu_shows_what_the_device_wrote,
    for_cpu_range_keeps_to_it,
    forgotten_guard_is_made_good_by_submit,
    forgotten_guard_is_made_good_by_unmap,
    skipped_sync_leaves_what_a_guard_has_shown,
    sync_debug_poisons_what_is_the_others,
    sync_debug_shows_zeroes_around_a_buffer,
    sync_debug_is_not_for_what_must_be_coherent,
    turns_are_taken_as_by_an_array,
    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    marks_of_an_earlier_mapping_are_gone,
    verdicts_are_those_of_c,
    in_place_is_told_from_bounced,
    whole_pages_hold_the_buffer,
    errors_are_those_of_the_kernel,
    shared_memory_is_seen_at_once_or_refused,
    tables_for_user_space_are_shared_again,
    best_blocks_hold_the_buffer,
    pin_refuses_what_is_no_user_memory,
    user_memory_is_seen_by_all,
    pins_of_short_segments_are_given_back_once,
    unbinding_is_seen_by_who_waits,
    two_devices_have_one_page_of_a_process,
    failed_map_gives_the_buffer_back,
    submitted_table_comes_back_when_complete,
}

/// Runs all cases without KUnit, and reports as it does: in KTAP.
pub(crate) fn run() {
    pr_info!("KTAP version 1\n");
    pr_info!("1..1\n");
    pr_info!("    KTAP version 1\n");
    pr_info!("    # Subtest: sgdma\n");
    pr_info!("    1..{}\n", CASES.len());
    let mut all = "";
    for (i, (name, case)) in CASES.iter().enumerate() {
        let not = match case() {
            Ok(()) => "",
            Err(_) => "not ",
        };
        pr_info!("    {}ok {} {}\n", not, i + 1, name);
        if !not.is_empty() {
            all = not;
        }
    }
    pr_info!("{}ok 1 sgdma\n", all);
}
