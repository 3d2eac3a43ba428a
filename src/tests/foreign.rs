// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/dmabuf`: dma-bufs between this library and other drivers, which are in C.

use super::{
    buffers::{
        pattern,
        patterned, //
    },
    dma_buf::{
        busy,
        exported,
        first_addr,
        first_byte,
        refs, //
    },
    test_device::{
        device_read,
        device_write,
        TestDevice,
        MAX_SEGMENT, //
    }, //
};
use crate::{
    ffi,
    Bidirectional,
    Coherency,
    DmaBuf,
    DmaBufUse,
    DmaDevice,
    FromDevice,
    SegmentLimits,
    ToDevice,
    EOPNOTSUPP, //
};
use kernel::{
    bindings,
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Returns a buffer of another exporter, which adds `extra` bytes to the first segment, and takes
/// the buffer back if it `goes`.
pub(super) fn foreign(extra: i32, goes: bool) -> Result<DmaBuf> {
    // SAFETY: The function takes any arguments. It returns an error pointer, or a dma-buf with a
    // reference for the caller.
    unsafe { DmaBuf::from_owned(ffi::sgdma_selftest_export(extra, goes)) }
}

/// Maps the buffer by another importer, whose device writes `byte`.
fn import(buf: &DmaBuf, dev: DmaDevice<'_>, byte: u8) -> (Result, ffi::sgdma_selftest_seen) {
    let mut seen = ffi::sgdma_selftest_seen::default();
    // SAFETY: The dma-buf is valid as long as `buf` is. `dev` borrows a device that is bound.
    // `seen` is valid for writing.
    let done = unsafe { ffi::sgdma_selftest_import(buf.as_raw(), dev.as_raw(), byte, &mut seen) };
    (to_result(done), seen)
}

/// Returns an attached device that needs turns, as a driver in C does.
fn incoherent(buf: &DmaBuf) -> Option<*mut bindings::device> {
    // SAFETY: The dma-buf is valid as long as `buf` is.
    let dev = unsafe { ffi::sgdma_dma_buf_first_incoherent(buf.as_raw()) };
    if dev.is_null() {
        return None;
    }
    // SAFETY: The reference is this function's. The caller knows that the device is attached.
    unsafe { ffi::sgdma_put_device(dev) };
    Some(dev)
}

cases! {
    sgdma_foreign;

    fn drivers_in_c_learn_who_needs_turns() -> Result {
        let (dev, other) = (TestDevice::new()?, TestDevice::named(c"sgdma-selftest-2")?);
        let buf = exported(DmaBufUse::Turns)?;
        let devices = [dev.dma(), other.dma()];
        check_eq!(incoherent(&buf), None);
        let attached = buf.attach(dev.dma(), ToDevice)?;
        let both = (attached, buf.attach(other.dma(), ToDevice)?);
        let found = incoherent(&buf);
        check_eq!(found.is_some(), Coherency::first_incoherent(&devices).is_some());
        check!(found.is_none_or(|found| devices.iter().any(|dev| dev.as_raw() == found)));
        drop(both);
        check_eq!(incoherent(&buf), None);
        // SAFETY: The dma-buf is valid, and tests run one after the other.
        check!(unsafe { ffi::sgdma_selftest_ask_in_probe(buf.as_raw()) });
        Ok(())
    }

    fn other_importers_see_the_bytes() -> Result {
        let dev = TestDevice::new()?;
        let is_coherent = Coherency::of(dev.dma()) == Coherency::Coherent;
        for use_ in [DmaBufUse::Shared, DmaBufUse::Turns] {
            let table = patterned(2 * PAGE_SIZE, SegmentLimits::NONE)?;
            let phys = table.phys_runs().next().ok_or(EINVAL)?.addr;
            let buf = table.export(use_)?;
            let (done, seen) = import(&buf, dev.dma(), 9);
            if !is_coherent && use_ == DmaBufUse::Shared {
                check_eq!((done, seen.attached), (Err(EOPNOTSUPP), false));
                continue;
            }
            done?;
            check_eq!((seen.len, seen.first), (buf.len(), pattern(0)));
            check!(!is_coherent || seen.addr == phys);
            check_eq!(to_result(seen.again), Err(EBUSY));
            check_eq!(to_result(seen.afterwards), Ok(()));
            check_eq!(to_result(seen.none), Err(EINVAL));
            check_eq!(first_byte(&buf)?, 9);
            check_eq!(refs(&buf), 1);
        }
        Ok(())
    }

    fn other_importers_take_turns() -> Result {
        let (dev, other) = (TestDevice::new()?, TestDevice::named(c"sgdma-selftest-2")?);
        let buf = exported(DmaBufUse::Turns)?;
        let attached = buf.attach(dev.dma(), ToDevice)?;
        let refused = busy(attached.needs_turns());
        let (done, seen) = import(&buf, other.dma(), 9);
        check_eq!((done.err(), seen.attached), (refused, true));
        drop(attached);
        // Who was refused has changed nothing.
        check_eq!(
            first_byte(&buf)?,
            if refused.is_some() { pattern(0) } else { 9 }
        );
        import(&buf, other.dma(), 8).0?;
        check_eq!(first_byte(&buf)?, 8);
        Ok(())
    }

    fn buffers_of_other_exporters_are_attached() -> Result {
        let devices = [TestDevice::new()?, TestDevice::of_single_pages()?];
        let buf = foreign(0, false)?;
        let pages = ffi::SGDMA_SELFTEST_FOREIGN_PAGES as usize;
        check_eq!((buf.len(), refs(&buf)), (pages * PAGE_SIZE, 1));
        let mut byte = 0;
        for dev in &devices {
            for _ in 0..2 {
                let turn = buf.attach(dev.dma(), Bidirectional)?.submit();
                check_eq!(turn.len(), buf.len());
                check_eq!(turn.dma_pages().count(), pages);
                let usual = Coherency::of(dev.dma()) == Coherency::Coherent;
                check_eq!(turn.needs_turns(), !usual);
                check_eq!(device_read(first_addr(&turn)?), byte);
                byte += 1;
                device_write(first_addr(&turn)?, byte);
                drop(turn.complete());
                check_eq!(refs(&buf), 1);
            }
        }
        // The exporter has no `vmap`.
        check_eq!(buf.for_cpu(FromDevice).err(), Some(EINVAL));
        check_eq!(refs(&buf), 1);
        Ok(())
    }

    fn what_other_exporters_map_is_checked() -> Result {
        let dev = TestDevice::new()?;
        let attach = |extra| -> Result<Option<Error>> {
            let buf = foreign(extra, false)?;
            let error = buf.attach(dev.dma(), ToDevice).err();
            check_eq!(refs(&buf), 1);
            Ok(error)
        };
        let max = MAX_SEGMENT as i32;
        let page = PAGE_SIZE as i32;
        check_eq!(attach(0)?, None);
        check_eq!(attach(-page)?, Some(EIO));
        check_eq!(attach(-1)?, Some(EIO));
        check_eq!(attach(1)?, Some(EIO));
        check_eq!(attach(max - page)?, Some(EIO));
        check_eq!(attach(max - page + 1)?, Some(E2BIG));
        let single = TestDevice::of_single_pages()?;
        let refused = foreign(1, false)?.attach(single.dma(), ToDevice).err();
        check_eq!(refused, Some(E2BIG));
        Ok(())
    }

    fn buffers_of_other_exporters_are_not_for_buses_with_ranges() -> Result {
        let elsewhere = 1 << 40;
        let dev = TestDevice::limited(u64::MAX, &[[0, elsewhere, elsewhere / 2]])?;
        let buf = foreign(0, false)?;
        let refused = buf.attach(dev.dma(), ToDevice).err();
        check_eq!(refused, Some(EOPNOTSUPP));
        check_eq!(refs(&buf), 1);
        // The library unmaps its own buffers while the device is bound.
        let own = exported(DmaBufUse::Turns)?;
        let attached = own.attach(dev.dma(), ToDevice)?;
        check!(attached.needs_turns() || first_addr(&attached)? >= elsewhere);
        Ok(())
    }

    fn buffers_of_other_exporters_stay_in_quarantine() -> Result {
        let dev = TestDevice::new()?;
        let buf = foreign(0, false)?;
        for is_orphan in [false, true] {
            drop(buf.attach(dev.dma(), Bidirectional)?.submit());
            if is_orphan {
                dev.make_orphans();
            }
            check_eq!(refs(&buf), 2);
            dev.dma().begin_reset().done();
            check_eq!(refs(&buf), 1);
        }
        Ok(())
    }
}
