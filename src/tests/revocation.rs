// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/dmabuf`: buffers that their exporter takes back.

use super::{
    dma_buf::{
        exported,
        first_addr,
        refs, //
    },
    foreign::foreign,
    test_device::{
        device_read,
        device_write,
        TestDevice, //
    }, //
};
use crate::{
    ffi,
    lifecycle::work_ref::WorkRef,
    Bidirectional,
    DmaBuf,
    DmaBufUse,
    DmaDevice,
    FromDevice,
    InFlight,
    Revocable,
    ToDevice,
    EOPNOTSUPP, //
};
use core::{
    ffi::{
        c_uint,
        c_void, //
    },
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// Handlers with one work item, which counts how often it runs.
///
/// # Invariants
///
/// The value has a reference to the handlers, which were lent `runs`.
struct Counting {
    handlers: NonNull<ffi::sgdma_handlers>,
    runs: KBox<Atomic<u32>>,
}

static CALLS: ffi::sgdma_handler_calls = ffi::sgdma_handler_calls {
    irq: None,
    irq_thread: None,
    work: Some(count),
    timer: None,
};

/// # Safety
///
/// Only for [`CALLS`].
unsafe extern "C" fn count(context: *const c_void, _item: c_uint) {
    // SAFETY: C calls this with what the handlers were lent: a counter that lives until they are
    // shut down.
    unsafe { &*context.cast::<Atomic<u32>>() }.fetch_add(1, Relaxed);
}

impl Counting {
    fn new() -> Result<Self> {
        let runs = KBox::new(Atomic::new(0), GFP_KERNEL)?;
        // SAFETY: The calls are static, with a function for work items.
        let raw = unsafe { ffi::sgdma_handlers_new(&CALLS, 1, 0, 0) };
        let handlers = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: The handlers are valid, and none was started. `runs` stays in place on the heap
        // until the drop of the value has shut them down.
        unsafe { ffi::sgdma_handlers_lend(handlers.as_ptr(), (&raw const *runs).cast()) };
        // INVARIANT: Both are as they must be.
        Ok(Self { handlers, runs })
    }

    fn work_ref(&self, item: u32) -> Option<WorkRef> {
        // SAFETY: By the type invariants the handlers are valid.
        unsafe { WorkRef::new(self.handlers, item) }
    }

    /// Attaches `dev` to a buffer that may be taken back.
    fn attach<'bound>(
        &self,
        buf: &DmaBuf,
        dev: DmaDevice<'bound>,
    ) -> Result<Revocable<'bound, Bidirectional>> {
        Revocable::new(buf, dev, self.work_ref(0).ok_or(EINVAL)?)
    }

    /// Waits until the work item has run `number` times. Returns false if it does not, or runs once
    /// more.
    fn has_run(&self, number: u32) -> bool {
        for _ in 0..1000 {
            if self.runs.load(Relaxed) >= number {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        fsleep(Delta::from_millis(5));
        self.runs.load(Relaxed) == number
    }

    fn shut_down(&self) {
        // SAFETY: By the type invariants the handlers are valid.
        unsafe { ffi::sgdma_handlers_shut_down(self.handlers.as_ptr()) };
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.shut_down();
        // SAFETY: By the type invariants the reference is this value's, which is not used again.
        // The handlers were shut down.
        unsafe { ffi::sgdma_handlers_put(self.handlers.as_ptr()) };
    }
}

fn revoke(buf: &DmaBuf) {
    // SAFETY: The dma-buf is valid, and of the exporter of these tests.
    unsafe { ffi::sgdma_selftest_revoke(buf.as_raw()) };
}

/// Returns how many devices the buffer is mapped for, and how often it is pinned.
fn uses(buf: &DmaBuf) -> (i32, i32) {
    let (mut maps, mut pins) = (0, 0);
    // SAFETY: The dma-buf is valid, and of the exporter of these tests. Both are valid for writing.
    unsafe { ffi::sgdma_selftest_uses(buf.as_raw(), &mut maps, &mut pins) };
    (maps, pins)
}

cases! {
    sgdma_revocation;

    fn an_exporter_takes_its_buffer_back() -> Result {
        let (dev, work) = (TestDevice::new()?, Counting::new()?);
        let buf = foreign(0, true)?;
        check_eq!(buf.attach(dev.dma(), ToDevice).err(), Some(EOPNOTSUPP));
        check!(work.work_ref(1).is_none());

        let turn = work.attach(&buf, dev.dma())?.submit();
        check_eq!((uses(&buf), refs(&buf)), ((1, 1), 2));
        check_eq!((turn.len(), turn.is_revoked()), (buf.len(), false));
        let addr = first_addr(turn.table()?)?;
        device_write(addr, 7);

        revoke(&buf);
        check!(work.has_run(1));
        check!(turn.is_revoked());
        check_eq!(turn.table().err(), Some(ENODEV));
        // The device is still at work, and finds the buffer where it was.
        check_eq!((uses(&buf), device_read(addr)), ((1, 1), 7));
        let stopped = turn.complete();
        check_eq!(stopped.table().err(), Some(ENODEV));
        drop(stopped);
        check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));

        check_eq!(work.attach(&buf, dev.dma()).err(), Some(ENODEV));
        check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));
        // An importer that has detached is not told.
        revoke(&buf);
        check!(work.has_run(1));
        Ok(())
    }

    fn buffers_that_stay_can_be_attached_so_too() -> Result {
        let (dev, work) = (TestDevice::new()?, Counting::new()?);
        let other = foreign(0, false)?;
        drop(work.attach(&other, dev.dma())?);
        check_eq!((uses(&other), refs(&other)), ((0, 0), 1));
        // The exporter pins for those whom it cannot tell.
        let attached = other.attach(dev.dma(), FromDevice)?;
        check_eq!(uses(&other), (1, 1));
        drop(attached);
        check_eq!(uses(&other), (0, 0));

        let own = exported(DmaBufUse::Turns)?;
        let (one, two) = (own.attach(dev.dma(), ToDevice)?, work.attach(&own, dev.dma()));
        check_eq!(two.is_ok(), !one.needs_turns());
        drop((one, two));
        let turn = work.attach(&own, dev.dma())?;
        check_eq!((turn.len(), turn.is_revoked(), refs(&own)), (own.len(), false, 2));
        check_eq!(turn.table()?.dma_pages().count(), own.len() / kernel::page::PAGE_SIZE);
        drop(turn);
        check_eq!(refs(&own), 1);
        Ok(())
    }

    fn a_buffer_is_taken_back_after_the_handlers_have_ended() -> Result {
        let (dev, work) = (TestDevice::new()?, Counting::new()?);
        let buf = foreign(0, true)?;
        let attached = work.attach(&buf, dev.dma())?;
        work.shut_down();
        revoke(&buf);
        check!(attached.is_revoked());
        drop(attached);
        check!(work.has_run(0));

        // The handlers may even be gone.
        let buf = foreign(0, true)?;
        let attached = work.attach(&buf, dev.dma())?;
        drop(work);
        revoke(&buf);
        check!(attached.is_revoked());
        drop(attached);
        check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));
        Ok(())
    }

    fn a_buffer_in_quarantine_keeps_its_exporter_waiting() -> Result {
        let dev = TestDevice::new()?;
        for is_orphan in [false, true] {
            let work = Counting::new()?;
            let buf = foreign(0, true)?;
            let turn: InFlight<Revocable<'_, Bidirectional>> =
                work.attach(&buf, dev.dma())?.submit();
            drop(turn);
            if is_orphan {
                dev.make_orphans();
                drop(work);
            }
            revoke(&buf);
            check_eq!((uses(&buf), refs(&buf)), ((1, 1), 2));
            dev.dma().begin_reset().done();
            check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));
        }
        Ok(())
    }

    fn what_is_refused_leaves_nothing() -> Result {
        let (dev, work) = (TestDevice::new()?, Counting::new()?);
        let buf = foreign(1, true)?;
        check_eq!(work.attach(&buf, dev.dma()).err(), Some(EIO));
        check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));
        let buf = foreign(0, true)?;
        revoke(&buf);
        check_eq!(work.attach(&buf, dev.dma()).err(), Some(ENODEV));
        check_eq!((uses(&buf), refs(&buf)), ((0, 0), 1));
        Ok(())
    }
}
