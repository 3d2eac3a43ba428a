// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: what becomes of a reserved range, and of what is linked in it.

use super::{
    buffers::{
        is_patterned,
        patterned, //
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
    CoherentDevice,
    DmaDevice,
    Iova,
    IovaError,
    Run,
    ToDevice,
    Words, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The offsets of pages.
pub(super) const PAGES: [usize; 6] = [
    0,
    PAGE_SIZE,
    2 * PAGE_SIZE,
    3 * PAGE_SIZE,
    4 * PAGE_SIZE,
    5 * PAGE_SIZE,
];

/// Returns the number of ranges that are reserved, and of the bytes that are linked.
pub(super) fn counted() -> (isize, isize) {
    let (mut ranges, mut bytes) = (0, 0);
    // SAFETY: Both are valid for writing.
    unsafe { ffi::sgdma_ranges(&mut ranges, &mut bytes) };
    (ranges, bytes)
}

/// Reserves five pages, and links a table of a page and a bit at `offset`.
pub(super) fn with_one(dev: DmaDevice<'_>, offset: usize) -> Result<Iova<'_, Bidirectional>> {
    let mut range = Iova::reserve(dev, 5 * PAGE_SIZE, Bidirectional, GFP_KERNEL)?;
    range.link(offset, patterned(PAGE_SIZE + 1, dev)?, GFP_KERNEL)?;
    Ok(range)
}

cases! {
    sgdma_iova_life;


    fn a_coherent_device_and_the_cpu_share_what_is_linked() -> Result {
        let dev = TestDevice::new()?;
        let Ok(witness) = CoherentDevice::new(dev.dma()) else {
            return Ok(());
        };
        let other = TestDevice::named(c"sgdma-selftest-other")?;
        let range = with_one(dev.dma(), PAGES[2])?.submit()?;
        let addr = range
            .table(PAGES[2])?
            .dma_segments()
            .next()
            .ok_or(EINVAL)?
            .addr;
        let shared = range.shared(PAGES[2], witness)?;
        device_write(addr + 4, 50);
        check_eq!(shared.read(4), Ok(50u8));
        shared.write(4, 51u8)?;
        check_eq!(device_read(addr + 4), 51);
        check_eq!(shared.copy_to_slice(PAGE_SIZE, &mut [0; 2]), Err(EINVAL));
        let refused = |at, witness| range.shared(at, witness).err().map(|failed| failed.error);
        check_eq!(refused(PAGES[1], witness), Some(ENOENT));
        if let Ok(witness) = CoherentDevice::new(other.dma()) {
            check_eq!(refused(PAGES[2], witness), Some(EXDEV));
        }
        drop(range.complete());
        Ok(())
    }

    fn ranges_are_counted_until_they_end() -> Result {
        let dev = TestDevice::new()?;
        let (ranges, bytes) = counted();
        let more = |n: isize, m: usize| (ranges + n, bytes + m as isize);
        let mut range = with_one(dev.dma(), 0)?;
        check_eq!(counted(), more(1, PAGES[2]));
        let other = with_one(dev.dma(), PAGES[1])?;
        check_eq!(counted(), more(2, PAGES[4]));
        drop(range.unlink(0)?);
        check_eq!(counted(), more(2, PAGES[2]));
        drop(range);
        check_eq!(counted(), more(1, PAGES[2]));
        // Also where nothing may sleep.
        let lock = KBox::pin_init(new_irq_lock!(Some(other)), GFP_KERNEL)?;
        *lock.lock() = None;
        check_eq!(counted(), more(0, 0));
        deferred::flush();
        Ok(())
    }

    fn a_range_dropped_in_flight_stays_until_a_reset() -> Result {
        let before = counted();
        let dev = TestDevice::new()?;
        for orphan in [false, true] {
            let early = dev.dma().begin_reset();
            drop(with_one(dev.dma(), PAGES[1])?.submit()?);
            let held = (before.0 + 1, before.1 + PAGES[2] as isize);
            check_eq!(counted(), held);
            early.done();
            check_eq!(counted(), held);
            if orphan {
                dev.make_orphans();
                check_eq!(counted(), held);
            }
            dev.dma().begin_reset().done();
            check_eq!(counted(), before);
        }
        Ok(())
    }

    fn registers_are_linked_beside_tables() -> Result {
        let dev = TestDevice::new()?;
        let mut range = with_one(dev.dma(), PAGES[2])?;
        // No memory is there. Nobody accesses it in this test.
        let phys = 0x1234_5678 * PAGE_SIZE as u64;
        // SAFETY: The device has no hardware that could access the addresses.
        let mut link =
            |offset, phys, len| unsafe { range.link_mmio(offset, phys, len, GFP_KERNEL) };
        let refused = |error, offset, len| Err(IovaError { error, offset, len });
        check_eq!(
            link(PAGES[0], phys + 1, PAGES[1]),
            refused(EINVAL, 0, PAGES[1])
        );
        check_eq!(link(PAGES[0], phys, 0), refused(EINVAL, 0, 0));
        check_eq!(
            link(PAGES[1], phys, PAGES[2]),
            refused(EEXIST, PAGES[1], PAGES[2])
        );
        check_eq!(
            link(PAGES[4], phys, PAGES[2]),
            refused(ERANGE, PAGES[4], PAGES[2])
        );
        if let Err(bounces) = link(PAGES[0], phys, PAGES[2]) {
            check_eq!(bounces.error, EIO);
            return Ok(());
        }
        let first = Run {
            addr: phys,
            len: PAGES[2] as u64,
        };
        check_eq!(range.dma_runs().next(), Some(first));
        check!(range.unlink(PAGES[0]).is_err());
        range.unlink_mmio(PAGES[0])?;
        check!(is_patterned(&range.unlink(PAGES[2])?)?);
        // Beyond what the device can send: no warning.
        let dev = TestDevice::limited(u32::MAX.into(), &[])?;
        let mut range: Iova<'_, _> = Iova::reserve(dev.dma(), PAGES[5], ToDevice, GFP_KERNEL)?;
        // SAFETY: As above.
        let beyond = unsafe { range.link_mmio(0, 1 << 32, PAGES[1], GFP_KERNEL) };
        check_eq!(beyond, refused(EIO, 0, PAGES[1]));
        Ok(())
    }
}
