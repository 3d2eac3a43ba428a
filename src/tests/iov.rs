// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/table` and `src/map`: I/O vectors that are copied from and to, and pinned.

use super::{
    buffers::{
        is_patterned,
        pattern,
        patterned,
        short_limits,
        SINGLE_PAGES, //
    },
    random::Random,
    test_device::TestDevice,
    user_memory::UserMemory, //
};
use crate::{
    ffi,
    Bidirectional,
    FromDevice,
    SegmentLimits,
    SgTable,
    ToDevice,
    UserDest,
    UserSource,
    UserTable,
    EOPNOTSUPP, //
};
use kernel::{
    bindings,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    page::PAGE_SIZE,
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

/// The length of the tables, which do not end with a page.
const LEN: usize = 3 * PAGE_SIZE + 100;

/// Returns limits that cut inside pages, and none.
fn each_limits() -> [SegmentLimits<'static>; 4] {
    let [a, b, c] = short_limits();
    [a, b, c, SegmentLimits::NONE]
}

/// Returns three parts of `bytes` as segments, of random lengths.
fn segments(bytes: &mut [u8], random: &mut Random) -> [bindings::kvec; 3] {
    let (first, rest) = bytes.split_at_mut(random.below(bytes.len() as u64 + 1) as usize);
    let (second, third) = rest.split_at_mut(random.below(rest.len() as u64 + 1) as usize);
    [first, second, third].map(|part| bindings::kvec {
        iov_base: part.as_mut_ptr().cast(),
        iov_len: part.len(),
    })
}

/// Calls `copy` with segments of `bytes` as the destination.
fn with_dest<R>(
    bytes: &mut [u8],
    random: &mut Random,
    copy: impl FnOnce(&mut IovIterDest<'_>) -> R,
) -> R {
    let (segments, iter) = (segments(bytes, random), Opaque::uninit());
    // SAFETY: Both are valid. The segments are borrowed bytes, and outlive the iterator.
    unsafe { ffi::sgdma_selftest_iter(iter.get(), segments.as_ptr(), segments.len(), true) };
    // SAFETY: The iterator was just made, as a destination.
    copy(unsafe { IovIterDest::from_raw(iter.get()) })
}

/// Calls `copy` with segments of `bytes` as the source.
fn with_source<R>(
    bytes: &mut [u8],
    random: &mut Random,
    copy: impl FnOnce(&mut IovIterSource<'_>) -> R,
) -> R {
    let (segments, iter) = (segments(bytes, random), Opaque::uninit());
    // SAFETY: As in `with_dest()`.
    unsafe { ffi::sgdma_selftest_iter(iter.get(), segments.as_ptr(), segments.len(), false) };
    // SAFETY: The iterator was just made, as a source.
    copy(unsafe { IovIterSource::from_raw(iter.get()) })
}

/// Returns a range of a table of `LEN` bytes, and the length of an iterator.
fn random_range(random: &mut Random) -> (usize, usize, usize) {
    let at = random.below(LEN as u64 + 1) as usize;
    let len = random.below((LEN - at) as u64 + 1) as usize;
    (at, len, random.below(LEN as u64) as usize)
}

cases! {
    sgdma_iov;

    fn copies_to_iterators_equal_those_to_slices() -> Result {
        let mut random = Random::new(17);
        for limits in each_limits() {
            let table = patterned(LEN, limits)?;
            for _ in 0..100 {
                let (at, len, room) = random_range(&mut random);
                let mut bytes = KVVec::from_elem(0xffu8, room, GFP_KERNEL)?;
                let mut wanted = KVVec::from_elem(0xffu8, room, GFP_KERNEL)?;
                let n = len.min(room);
                table.copy_to_slice(at, &mut wanted[..n])?;
                let copied = with_dest(&mut bytes, &mut random, |dst| {
                    (table.copy_to_iter(at, len, dst), dst.len())
                });
                check_eq!(copied, (Ok(n), room - n));
                check!(*bytes == *wanted);
            }
        }
        Ok(())
    }

    fn copies_from_iterators_equal_those_from_slices() -> Result {
        let mut random = Random::new(18);
        for limits in each_limits() {
            let mut table = SgTable::alloc(LEN, limits, GFP_KERNEL)?;
            let mut wanted = KVVec::from_elem(0u8, LEN, GFP_KERNEL)?;
            let mut got = KVVec::from_elem(0u8, LEN, GFP_KERNEL)?;
            for round in 0..100 {
                let (at, len, given) = random_range(&mut random);
                let mut bytes = KVVec::from_elem(round, given, GFP_KERNEL)?;
                let n = len.min(given);
                wanted[at..at + n].fill(round);
                let copied = with_source(&mut bytes, &mut random, |src| {
                    (table.copy_from_iter(at, len, src), src.len())
                });
                check_eq!(copied, (Ok(n), given - n));
                table.copy_to_slice(0, &mut got)?;
                check!(*got == *wanted);
            }
        }
        Ok(())
    }

    fn iterators_beyond_the_end_stay_where_they_are() -> Result {
        let mut random = Random::new(19);
        let mut table = patterned(LEN, SINGLE_PAGES)?;
        let mut bytes = KVVec::from_elem(0xffu8, LEN, GFP_KERNEL)?;
        for (at, len) in [(0, LEN + 1), (LEN, 1), (1, LEN), (usize::MAX, 1), (1, usize::MAX)] {
            let to = with_dest(&mut bytes, &mut random, |dst| {
                (table.copy_to_iter(at, len, dst), dst.len())
            });
            check_eq!(to, (Err(EINVAL), LEN));
            check!(bytes.iter().all(|&byte| byte == 0xff));
            let from = with_source(&mut bytes, &mut random, |src| {
                (table.copy_from_iter(at, len, src), src.len())
            });
            check_eq!(from, (Err(EINVAL), LEN));
        }
        check!(is_patterned(&table)?);
        Ok(())
    }

    fn guards_keep_iterators_to_their_range() -> Result {
        let (dev, mut random) = (TestDevice::new()?, Random::new(20));
        let mut mapped = patterned(LEN, dev.dma())?.map(dev.dma(), Bidirectional)?;
        let mut guard = mapped.for_cpu_range(PAGE_SIZE - 10..PAGE_SIZE + 10)?;
        let mut bytes = [0; 20];
        let mut read = |at, len| {
            with_dest(&mut bytes, &mut random, |dst| guard.copy_to_iter(at, len, dst))
        };
        check_eq!(read(PAGE_SIZE - 10, 21), Err(EINVAL));
        check_eq!(read(PAGE_SIZE - 11, 1), Err(EINVAL));
        check_eq!(read(PAGE_SIZE + 10, 1), Err(EINVAL));
        check_eq!(read(PAGE_SIZE - 10, 20), Ok(20));
        check!(bytes.iter().zip(PAGE_SIZE - 10..).all(|(&byte, i)| byte == pattern(i)));
        let mut write = |at, len| {
            with_source(&mut bytes, &mut random, |src| guard.copy_from_iter(at, len, src))
        };
        check_eq!(write(PAGE_SIZE - 11, 1), Err(EINVAL));
        check_eq!(write(PAGE_SIZE + 9, 2), Err(EINVAL));
        check_eq!(write(PAGE_SIZE + 8, 2), Ok(2));
        drop(guard);
        let mut back = [0; 3];
        mapped.unmap().copy_to_slice(PAGE_SIZE + 8, &mut back)?;
        let first = PAGE_SIZE - 10;
        check_eq!(back, [pattern(first), pattern(first + 1), pattern(PAGE_SIZE + 10)]);
        Ok(())
    }

    fn copies_to_a_process_end_where_its_memory_ends() -> Result {
        let Some(memory) = UserMemory::new(4 * PAGE_SIZE)? else {
            return Ok(());
        };
        // SAFETY: `memory` has these pages. Nobody uses the last two.
        unsafe { bindings::vm_munmap(memory.addr + 2 * PAGE_SIZE, 2 * PAGE_SIZE) };
        let table = patterned(LEN, SINGLE_PAGES)?;
        let at = PAGE_SIZE / 2;
        let fits = 2 * PAGE_SIZE - at;

        let mut user = UserDest::new(UserPtr::from_addr(memory.addr + at), LEN);
        check_eq!(table.copy_to_iter(0, LEN, user.iter()), Ok(fits));
        check_eq!(table.copy_to_iter(fits, 1, user.iter()), Err(EFAULT));
        check_eq!(user.finish(), Err(EFAULT));
        let mut back = SgTable::alloc(LEN, SINGLE_PAGES, GFP_KERNEL)?;
        let mut user = UserSource::new(UserPtr::from_addr(memory.addr + at), LEN);
        check_eq!(back.copy_from_iter(0, LEN, user.iter()), Ok(fits));
        check_eq!(back.copy_from_iter(fits, 1, user.iter()), Err(EFAULT));
        check_eq!(user.finish(), Err(EFAULT));
        let mut bytes = KVVec::from_elem(0u8, LEN, GFP_KERNEL)?;
        back.copy_to_slice(0, &mut bytes)?;
        check!(bytes[..fits].iter().enumerate().all(|(i, &byte)| byte == pattern(i)));
        check!(bytes[fits..].iter().all(|&byte| byte == 0));

        let mut user = UserDest::new(UserPtr::from_addr(memory.addr), 100);
        check_eq!(table.copy_to_iter(0, 50, user.iter()), Ok(50));
        check_eq!(table.copy_to_iter(50, 50, user.iter()), Ok(50));
        check_eq!(user.finish(), Ok(()));
        Ok(())
    }

    fn no_copy_to_memory_of_the_kernel() -> Result {
        let mut bytes = [7u8; 8];
        let addr = UserPtr::from_ptr(bytes.as_mut_ptr().cast());
        let mut table = SgTable::alloc(8, SegmentLimits::NONE, GFP_KERNEL)?;
        check_eq!(table.copy_to_iter(0, 8, UserDest::new(addr, 8).iter()), Err(EFAULT));
        check_eq!(table.copy_from_iter(0, 8, UserSource::new(addr, 8).iter()), Err(EFAULT));
        check_eq!(bytes, [7; 8]);
        Ok(())
    }

    fn iterators_are_pinned_piece_by_piece() -> Result {
        let Some(memory) = UserMemory::new(4 * PAGE_SIZE)? else {
            return Ok(());
        };
        let mut user = UserDest::new(UserPtr::from_addr(memory.addr + 10), 3 * PAGE_SIZE);
        let pin = |user: &mut UserDest, most| {
            UserTable::pin_iter(user.iter(), most, FromDevice, SegmentLimits::NONE)
        };
        let first = pin(&mut user, PAGE_SIZE)?;
        let second = pin(&mut user, usize::MAX)?;
        check_eq!((first.len(), second.len()), (PAGE_SIZE, 2 * PAGE_SIZE));
        check_eq!(pin(&mut user, 1).err(), Some(EINVAL));
        check_eq!(user.finish(), Ok(()));
        first.copy_from_slice(PAGE_SIZE - 1, &[7])?;
        second.copy_from_slice(0, &[8])?;

        let mut user = UserSource::new(UserPtr::from_addr(memory.addr + 10), 3 * PAGE_SIZE);
        check_eq!(
            UserTable::pin_iter(user.iter(), 0, ToDevice, SegmentLimits::NONE).err(),
            Some(EINVAL)
        );
        let table = UserTable::pin_iter(user.iter(), LEN, ToDevice, SegmentLimits::NONE)?;
        let mut bytes = [0; 2];
        table.copy_to_slice(PAGE_SIZE - 1, &mut bytes)?;
        check_eq!(bytes, [7, 8]);
        check_eq!(table.len(), 3 * PAGE_SIZE);
        Ok(())
    }

    fn only_memory_of_a_process_is_pinned() -> Result {
        let (mut bytes, mut random) = ([0; 100], Random::new(21));
        let refused = with_dest(&mut bytes, &mut random, |dst| {
            let table = UserTable::pin_iter(dst, 10, FromDevice, SegmentLimits::NONE);
            (table.err(), dst.len())
        });
        check_eq!(refused, (Some(EOPNOTSUPP), 100));
        let refused = with_source(&mut bytes, &mut random, |src| {
            let table = UserTable::pin_iter(src, 10, ToDevice, SegmentLimits::NONE);
            (table.err(), src.len())
        });
        check_eq!(refused, (Some(EOPNOTSUPP), 100));
        Ok(())
    }
}
