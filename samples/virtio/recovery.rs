// SPDX-License-Identifier: GPL-2.0

//! Devices that fail, and the end.
//!
//! A device fails when it writes to its queue what cannot be, when it says that it needs a reset,
//! or when it has a request for too long. The driver then resets the device, ends all requests with
//! `EIO`, and gives the device no more.

use crate::{
    common::watchdog,
    device,
    disk::Disk,
    module_parameters, //
};
use kernel::{
    fmt,
    prelude::*, //
};
use sgdma::Quiet;

impl Disk<'_> {
    /// Gives the device no more requests, and logs why. Returns false if that was done before.
    pub(crate) fn fail(&self, why: fmt::Arguments<'_>) -> bool {
        {
            let mut queue = self.queue.lock();
            if queue.error.is_some() {
                return false;
            }
            queue.error = Some(EIO);
        }
        dev_err!(
            self.dma.device(),
            "{}: all requests fail until it is bound again\n",
            why
        );
        true
    }

    /// Looks for late requests, in the watchdog's timer. Returns true if the device fails by one.
    pub(crate) fn watch(&self) -> bool {
        let now = self.time.tick();
        let limit_ms = sgdma::parameter(&module_parameters::timeout_ms);
        let is_late = {
            let queue = self.queue.lock();
            let mut requests = queue.ring.tokens();
            requests.any(|request| watchdog::is_late(request.since, now, limit_ms))
        };
        is_late
            && self.fail(fmt!(
                "the device has a request for more than {} ms",
                limit_ms
            ))
    }

    /// Resets a device that has failed.
    pub(crate) fn recover(&self) {
        let stopped = self.stopped.lock();
        if *stopped {
            return;
        }
        let reset = self.dma.begin_reset();
        if self.reset(EIO) {
            reset.done();
        }
    }

    /// Resets the device, and ends all requests. Returns false if the device cannot be reset, and
    /// may go on with all that it was told.
    fn reset(&self, error: Error) -> bool {
        let result = device::reset(&self.registers);
        loop {
            let request = self.queue.lock().ring.drain();
            match request.map(KBox::into_inner) {
                None => break,
                Some(request) if result.is_ok() => request.finish(Err(error)),
                Some(request) => request.abandon(error),
            }
        }
        if result.is_err() {
            dev_err!(
                self.dma.device(),
                "the device cannot be reset: its memory is kept\n"
            );
        }
        self.dma.unbinding().wake_all();
        result.is_ok()
    }

    /// Stops the device for good.
    pub(crate) fn stop(&self) -> Quiet {
        *self.stopped.lock() = true;
        self.queue.lock().error = Some(ENODEV);
        if !self.reset(ENODEV) {
            return Quiet::Unknown;
        }
        let memory = self.queue.lock().memory.take();
        drop(memory.map(|memory| memory.complete()));
        Quiet::Reset
    }
}
