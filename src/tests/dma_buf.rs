// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/dmabuf`: exported buffers, attached devices and the CPU's accesses.

use super::{
    buffers::{
        is_patterned,
        pattern,
        patterned,
        short_limits, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    ffi,
    lifecycle::deferred,
    new_irq_lock,
    Bidirectional,
    Coherency,
    DmaBuf,
    DmaBufUse,
    DmaTable,
    FromDevice,
    SegmentLimits,
    SgTable,
    ToDevice,
    EOPNOTSUPP, //
};
use kernel::{
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};

const LEN: usize = 5 * PAGE_SIZE;

/// Exports a buffer whose bytes are the pattern.
pub(super) fn exported(use_: DmaBufUse) -> Result<DmaBuf> {
    Ok(patterned(LEN, SegmentLimits::NONE)?.export(use_)?)
}

/// Returns true if this library and another driver both see the pattern.
fn shows_pattern(buf: &DmaBuf) -> Result<bool> {
    let is_patterned = |bytes: &[u8]| bytes.iter().enumerate().all(|(i, &b)| b == pattern(i));
    let mut bytes = KVVec::from_elem(0u8, buf.len(), GFP_KERNEL)?;
    buf.for_cpu(FromDevice)?.copy_to_slice(0, &mut bytes)?;
    let ours = is_patterned(&bytes);
    bytes.fill(1);
    // SAFETY: The dma-buf is valid as long as `buf` is, and `bytes` has its length.
    let copied = unsafe { ffi::sgdma_selftest_copy(buf.as_raw(), bytes.as_mut_ptr().cast()) };
    to_result(copied)?;
    Ok(ours && is_patterned(&bytes))
}

/// Returns the number of references to the buffer: an attached device has one.
pub(super) fn refs(buf: &DmaBuf) -> i64 {
    // SAFETY: The dma-buf is valid as long as `buf` is.
    unsafe { ffi::sgdma_selftest_buf_refs(buf.as_raw()) as i64 }
}

/// Returns the first bus address of a mapping.
pub(super) fn first_addr(table: &DmaTable) -> Result<u64> {
    Ok(table.dma_segments().next().ok_or(EINVAL)?.addr)
}

/// Returns the first byte as the CPU sees it in its turn.
pub(super) fn first_byte(buf: &DmaBuf) -> Result<u8> {
    let mut byte = [0];
    buf.for_cpu(FromDevice)?.copy_to_slice(0, &mut byte)?;
    Ok(byte[0])
}

/// Returns `EBUSY` if it is true.
pub(super) fn busy(is_busy: bool) -> Option<Error> {
    is_busy.then_some(EBUSY)
}

cases! {
    sgdma_dma_buf;

    fn exported_bytes_last_as_long_as_a_reference() -> Result {
        for use_ in [DmaBufUse::Shared, DmaBufUse::Turns] {
            let buf = exported(use_)?;
            check_eq!((buf.len(), refs(&buf)), (LEN, 1));
            let other = buf.clone();
            let file = buf.to_file();
            check_eq!(refs(&buf), 3);
            drop(buf);
            drop(file);
            check_eq!(refs(&other), 1);
            check!(shows_pattern(&other)?);
        }
        Ok(())
    }

    fn partial_pages_are_not_exported() -> Result {
        for len in [1, PAGE_SIZE - 1, PAGE_SIZE + 1] {
            let table = patterned(len, SegmentLimits::NONE)?;
            let Err(failed) = table.export(DmaBufUse::Turns) else {
                return Err(EINVAL);
            };
            check_eq!((failed.error, failed.buffer.len()), (EINVAL, len));
            check!(is_patterned(&failed.buffer)?);
        }
        Ok(())
    }

    fn short_segments_are_exported_as_pages() -> Result {
        let dev = TestDevice::new()?;
        for limits in short_limits() {
            let buf = patterned(LEN, limits)?.export(DmaBufUse::Turns)?;
            check!(shows_pattern(&buf)?);
            let attached = buf.attach(dev.dma(), ToDevice)?;
            check_eq!(attached.dma_pages().count(), LEN / PAGE_SIZE);
        }
        Ok(())
    }

    fn each_device_has_segments_of_its_own() -> Result {
        let pages = 4;
        let block = SgTable::alloc_blocks(pages * PAGE_SIZE, 2, SegmentLimits::NONE, GFP_KERNEL)?;
        let buf = block.export(DmaBufUse::Turns)?;
        let devices = [
            TestDevice::new()?,
            TestDevice::of_16_bits()?,
            TestDevice::of_single_pages()?,
        ];
        let mut counts = [0; 3];
        for (count, dev) in counts.iter_mut().zip(&devices) {
            let attached = buf.attach(dev.dma(), ToDevice)?;
            check_eq!(attached.len(), buf.len());
            let mut len = 0;
            for segment in attached.dma_segments() {
                check!(segment.len <= dev.dma().max_seg_size() as u64);
                check!(segment.within(dev.dma().seg_boundary() as u64));
                len += segment.len;
                *count += 1;
            }
            check_eq!(len, buf.len() as u64);
        }
        check!(counts[0] == 1 && counts[1] >= counts[0] && counts[2] >= pages);
        Ok(())
    }

    fn device_and_cpu_see_the_same_bytes() -> Result {
        let dev = TestDevice::new()?;
        let coherency = Coherency::of(dev.dma());
        for use_ in [DmaBufUse::Shared, DmaBufUse::Turns] {
            let buf = exported(use_)?;
            let attached = match buf.attach(dev.dma(), Bidirectional) {
                Err(error) => {
                    check!(coherency != Coherency::Coherent && use_ == DmaBufUse::Shared);
                    check_eq!(error, EOPNOTSUPP);
                    check_eq!(refs(&buf), 1);
                    continue;
                }
                Ok(attached) => attached,
            };
            check_eq!(attached.needs_turns(), coherency != Coherency::Coherent);
            let in_flight = attached.submit();
            check_eq!(in_flight.dma_pages().count(), LEN / PAGE_SIZE);
            for (i, addr) in in_flight.dma_pages().enumerate() {
                check_eq!(device_read(addr), pattern(i * PAGE_SIZE));
                device_write(addr, i as u8 + 100);
            }
            let kept = (!in_flight.needs_turns()).then_some(in_flight.complete());

            let mut cpu = buf.for_cpu(Bidirectional)?;
            for i in 0..LEN / PAGE_SIZE {
                let mut bytes = [0; 2];
                cpu.copy_to_slice(i * PAGE_SIZE, &mut bytes)?;
                check_eq!(bytes, [i as u8 + 100, pattern(i * PAGE_SIZE + 1)]);
            }
            cpu.copy_from_slice(PAGE_SIZE - 1, &[7, 8])?;
            drop(cpu);

            let attached = match kept {
                Some(attached) => attached,
                None => buf.attach(dev.dma(), Bidirectional)?,
            };
            let second = attached.dma_pages().nth(1).ok_or(EINVAL)?;
            check_eq!(device_read(second), 8);
        }
        Ok(())
    }

    fn guards_keep_to_the_buffer() -> Result {
        let buf = exported(DmaBufUse::Turns)?;
        let mut cpu = buf.for_cpu(Bidirectional)?;
        let mut bytes = [1, 2];
        cpu.copy_from_slice(LEN - 2, &bytes)?;
        for bad in [LEN - 1, LEN, usize::MAX] {
            check_eq!(cpu.copy_from_slice(bad, &[3, 4]), Err(EINVAL));
            check_eq!(cpu.copy_to_slice(bad, &mut bytes), Err(EINVAL));
        }
        check_eq!(bytes, [1, 2]);
        cpu.copy_to_slice(LEN - 1, &mut bytes[..1])?;
        check_eq!(bytes, [2, 2]);
        check_eq!(cpu.copy_to_slice(LEN, &mut []), Ok(()));
        // The guard keeps the buffer.
        check_eq!(refs(&buf), 2);
        drop(buf);
        cpu.copy_to_slice(LEN - 2, &mut bytes)?;
        check_eq!(bytes, [1, 2]);
        Ok(())
    }

    fn descriptors_lead_to_the_buffer() -> Result {
        for bad in [u32::MAX, i32::MAX as u32, i32::MAX as u32 + 1] {
            check_eq!(DmaBuf::from_fd(bad).err(), Some(EBADF));
        }
        // A process may have something else there.
        check!(matches!(DmaBuf::from_fd(0), Err(EBADF | EINVAL)));
        let buf = exported(DmaBufUse::Turns)?;
        // SAFETY: The dma-buf is valid as long as `buf` is.
        let fd = unsafe { ffi::sgdma_selftest_install(buf.as_raw()) };
        check!(fd >= 0);
        let found = DmaBuf::from_fd(fd as u32);
        // SAFETY: The call above has installed the descriptor, and nobody knows it.
        unsafe { ffi::sgdma_selftest_close(fd as u32) };
        check_eq!(found?.as_raw(), buf.as_raw());
        check_eq!(DmaBuf::from_fd(fd as u32).err(), Some(EBADF));
        Ok(())
    }

    fn attached_buffer_is_unmapped_by_a_worker_where_nothing_may_sleep() -> Result {
        let dev = TestDevice::new()?;
        let buf = exported(DmaBufUse::Turns)?;
        let attached = buf.attach(dev.dma(), FromDevice)?;
        let lock = KBox::pin_init(new_irq_lock!(Some(attached)), GFP_KERNEL)?;
        check_eq!(refs(&buf), 2);
        {
            let mut guard = lock.lock();
            check!(!deferred::may_sleep());
            *guard = None;
        }
        deferred::flush();
        check_eq!(refs(&buf), 1);
        drop(buf.for_cpu(ToDevice)?);
        Ok(())
    }
}
