// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/dmabuf`: turns of several devices and the CPU, and buffers in quarantine.
//!
//! Which devices take turns depends on the machine. Where none needs to, all must work at once.

use super::{
    buffers::patterned,
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
        TestDevice, //
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
    page::PAGE_SIZE,
    prelude::*, //
};

/// Returns a buffer of one page, and a device that does not reach the page.
fn out_of_reach(use_: DmaBufUse) -> Result<(DmaBuf, TestDevice)> {
    let page = patterned(PAGE_SIZE, SegmentLimits::NONE)?;
    let start = page.phys_runs().next().ok_or(EINVAL)?.addr;
    let end = start + PAGE_SIZE as u64;
    let ranges = [[0, 0, start], [end, end, (1 << 40) - end]];
    Ok((page.export(use_)?, TestDevice::limited(u64::MAX, &ranges)?))
}

fn needs_turns(buf: &DmaBuf, dev: DmaDevice<'_>) -> Result<bool> {
    Ok(buf.attach(dev, ToDevice)?.needs_turns())
}

/// Calls `test` for each pair of devices, each with whether it needs turns at the buffer.
///
/// Two devices are as usual. The third one has bounce buffers, if the machine has any.
fn for_each_pair(
    test: impl Fn(&DmaBuf, (DmaDevice<'_>, bool), (DmaDevice<'_>, bool)) -> Result,
) -> Result {
    let (buf, third) = out_of_reach(DmaBufUse::Turns)?;
    let devices = [
        TestDevice::new()?,
        TestDevice::named(c"sgdma-selftest-2")?,
        third,
    ];
    for (i, one) in devices.iter().enumerate() {
        for (j, other) in devices.iter().enumerate() {
            let (one, other) = (one.dma(), other.dma());
            if i == j {
                continue;
            }
            match (needs_turns(&buf, one), needs_turns(&buf, other)) {
                (Ok(one_needs), Ok(other_needs)) => {
                    test(&buf, (one, one_needs), (other, other_needs))?
                }
                // `unreached_page_bounces_or_is_refused` says when this is right.
                _ => check!(i == 2 || j == 2),
            }
            check_eq!(refs(&buf), 1);
        }
    }
    Ok(())
}

cases! {
    sgdma_dma_buf_turns;

    fn unreached_page_bounces_or_is_refused() -> Result {
        let (buf, dev) = out_of_reach(DmaBufUse::Turns)?;
        // SAFETY: The device is valid, and has a mask.
        let can_bounce = unsafe { ffi::sgdma_can_bounce(dev.dma().as_raw()) };
        match needs_turns(&buf, dev.dma()) {
            Ok(needs_turns) => check!(needs_turns),
            Err(error) => {
                check_eq!(error, EIO);
                check!(!can_bounce);
            }
        }
        check_eq!(refs(&buf), 1);
        Ok(())
    }

    fn writer_has_the_buffer_alone() -> Result {
        for_each_pair(|buf, (one, one_needs), (other, other_needs)| {
            let both = busy(one_needs && other_needs);
            let first = buf.attach(one, FromDevice)?;
            check_eq!(first.needs_turns(), one_needs);
            device_write(first_addr(&first)?, 9);
            check_eq!(buf.attach(other, ToDevice).err(), both);
            check_eq!(buf.attach(other, FromDevice).err(), both);
            check_eq!(buf.for_cpu(FromDevice).err(), busy(one_needs));
            check_eq!(buf.for_cpu(ToDevice).err(), busy(one_needs));
            drop(first);
            // Who was refused has changed nothing.
            check_eq!(first_byte(buf)?, 9);
            drop(buf.attach(other, FromDevice)?);
            drop(buf.for_cpu(ToDevice)?);
            Ok(())
        })
    }

    fn readers_work_at_the_same_time() -> Result {
        for_each_pair(|buf, (one, one_needs), (other, other_needs)| {
            buf.for_cpu(ToDevice)?.copy_from_slice(0, &[5])?;
            let first = buf.attach(one, ToDevice)?;
            let second = buf.attach(other, ToDevice)?;
            check_eq!(device_read(first_addr(&first)?), 5);
            check_eq!(device_read(first_addr(&second)?), 5);
            check_eq!(first_byte(buf)?, 5);
            check_eq!(buf.attach(other, FromDevice).err(), busy(other_needs));
            check_eq!(buf.for_cpu(ToDevice).err(), busy(one_needs || other_needs));
            drop(second);
            check_eq!(buf.for_cpu(ToDevice).err(), busy(one_needs));
            check_eq!(buf.attach(one, Bidirectional).err(), busy(one_needs));
            drop(first);
            drop(buf.for_cpu(ToDevice)?);
            drop(buf.attach(other, Bidirectional)?);
            Ok(())
        })
    }

    fn bytes_go_from_hand_to_hand() -> Result {
        for_each_pair(|buf, (one, _), (other, _)| {
            buf.for_cpu(ToDevice)?.copy_from_slice(0, &[1])?;
            for (dev, seen) in [(one, 1), (other, 2), (one, 3)] {
                let turn = buf.attach(dev, Bidirectional)?.submit();
                check_eq!(device_read(first_addr(&turn)?), seen);
                device_write(first_addr(&turn)?, seen + 1);
                drop(turn.complete());
            }
            check_eq!(first_byte(buf)?, 4);
            Ok(())
        })
    }

    fn shared_buffer_is_for_devices_without_turns() -> Result {
        let (buf, third) = out_of_reach(DmaBufUse::Shared)?;
        let (one, other) = (TestDevice::new()?, TestDevice::named(c"sgdma-selftest-2")?);
        if Coherency::of(one.dma()) != Coherency::Coherent {
            for dev in [&one, &other, &third] {
                let refused = buf.attach(dev.dma(), ToDevice).err();
                check_eq!(refused, Some(EOPNOTSUPP));
            }
            return Ok(());
        }
        check_eq!(buf.attach(third.dma(), ToDevice).err(), Some(EIO));
        let first = buf.attach(one.dma(), FromDevice)?;
        let second = buf.attach(other.dma(), Bidirectional)?;
        check!(!first.needs_turns() && !second.needs_turns());
        device_write(first_addr(&first)?, 6);
        check_eq!(device_read(first_addr(&second)?), 6);
        let mut cpu = buf.for_cpu(Bidirectional)?;
        device_write(first_addr(&second)?, 7);
        let mut byte = [0];
        cpu.copy_to_slice(0, &mut byte)?;
        check_eq!(byte, [7]);
        cpu.copy_from_slice(0, &[8])?;
        check_eq!(device_read(first_addr(&first)?), 8);
        Ok(())
    }

    fn buffer_dropped_in_flight_stays_until_a_reset() -> Result {
        let dev = TestDevice::new()?;
        let buf = exported(DmaBufUse::Turns)?;
        let is_busy = busy(needs_turns(&buf, dev.dma())?);
        let early = dev.dma().begin_reset();
        drop(buf.attach(dev.dma(), FromDevice)?.submit());
        check_eq!(refs(&buf), 2);
        check_eq!(buf.for_cpu(FromDevice).err(), is_busy);
        early.done();
        check_eq!(refs(&buf), 2);
        dev.dma().begin_reset().done();
        check_eq!(refs(&buf), 1);
        drop(buf.for_cpu(ToDevice)?);
        Ok(())
    }

    fn orphan_is_unmapped_where_it_was() -> Result {
        let dev = TestDevice::new()?;
        let buf = exported(DmaBufUse::Turns)?;
        drop(buf.attach(dev.dma(), FromDevice)?.submit());
        dev.make_orphans();
        check_eq!(refs(&buf), 2);
        dev.dma().begin_reset().done();
        check_eq!(refs(&buf), 1);
        drop(buf.for_cpu(ToDevice)?);
        Ok(())
    }
}
