// SPDX-License-Identifier: GPL-2.0

//! The watchdog, resets, and the end.
//!
//! The watchdog, a timer, looks for commands that take too long. A work item then has the device
//! abort them. A command that takes too long again ends with `ETIMEDOUT`: its memory goes into
//! quarantine until the reset of the controller, which follows, is done.

use crate::{
    common::watchdog,
    controller::{
        Controller,
        Life, //
    },
    module_parameters,
    power,
    queue::State,
    registers::{
        self,
        CSTS, //
    },
    sent::Sent, //
};
use kernel::{
    io::Io,
    prelude::*,
    sync::atomic::Relaxed, //
};
use sgdma::Quiet;

/// Returns whether the device has a command for too long.
fn is_late(sent: &Sent<'_>, now: u32) -> bool {
    let limit_ms = sgdma::parameter(&module_parameters::timeout_ms);
    watchdog::is_late(sent.since, now, limit_ms)
}

impl<'bound> Controller<'bound> {
    /// Looks after the device, in the watchdog's timer. Returns true if there is work.
    pub(crate) fn watch(&self) -> bool {
        let now = self.time.tick();
        self.is_broken()
            || self
                .io_queues()
                .any(|queue| queue.find(|sent| is_late(sent, now)).is_some())
    }

    /// Returns whether the controller is gone, or has failed.
    fn is_broken(&self) -> bool {
        !registers::is_present(&self.bar) || self.bar.read(CSTS).fatal()
    }

    /// Does the watchdog's work.
    pub(crate) fn attend(&self) {
        let now = self.time.now();
        let mut failed = self.is_broken();
        for queue in self.io_queues() {
            while !failed {
                let late = queue.find(|sent| {
                    if !is_late(sent, now) {
                        return false;
                    }
                    if sent.aborted {
                        failed = true;
                        return false;
                    }
                    (sent.aborted, sent.since) = (true, now);
                    true
                });
                let Some(id) = late else {
                    break;
                };
                self.stats.late.fetch_add(1, Relaxed);
                failed |= self.abort(queue.id, id).is_err();
            }
        }
        if failed {
            self.recover(now);
        }
    }

    /// Resets the controller. All commands that it has end with an error.
    fn recover(&self, now: u32) {
        let life = self.life.lock();
        if *life == Life::Down {
            return;
        }
        self.stats.resets.fetch_add(1, Relaxed);
        self.set_states(State::Closed);
        let reset = self.dma.begin_reset();
        for queue in self.io_queues() {
            while let Some(sent) = queue.give_up(|sent| sent.aborted && is_late(sent, now)) {
                sent.abandon(ETIMEDOUT);
            }
        }
        let result = power::disable(&self.bar).and_then(|()| {
            self.end_all(EIO);
            reset.done();
            self.restart()
        });
        match result {
            Ok(()) => dev_warn!(self.dma.device(), "the controller was reset\n"),
            Err(error) => self.give_up(error),
        }
        self.dma.unbinding().wake_all();
    }

    /// Starts a controller that is disabled, with the queues that it had before.
    fn restart(&self) -> Result {
        self.queues().try_for_each(|queue| queue.rewind())?;
        self.enable()?;
        self.admin.set_state(State::Open);
        self.ask_for_queues(self.io_queues().count() as u32)?;
        self.create_queues()
    }

    fn set_states(&self, state: State) {
        self.queues().for_each(|queue| queue.set_state(state));
    }

    /// Ends all commands of a controller that is disabled, those that it has completed before too.
    fn end_all(&self, error: Error) {
        self.handle_all();
        for queue in self.queues() {
            while let Some(sent) = queue.give_up(|_| true) {
                sent.finish(Err(error));
            }
        }
    }

    /// Ends all commands that the controller has completed.
    fn handle_all(&self) {
        for queue in self.queues() {
            queue.handle(&self.bar, |_| ());
        }
    }

    /// Gives up a controller that cannot be reset. It may go on with all that it was told.
    fn give_up(&self, error: Error) {
        let error = if error == ENODEV { ENODEV } else { EIO };
        self.set_states(State::Dead(error));
        for queue in self.queues() {
            while let Some(sent) = queue.give_up(|_| true) {
                sent.abandon(error);
            }
        }
        if error != ENODEV {
            dev_err!(
                self.dma.device(),
                "the controller cannot be reset: unbind the driver and bind it again\n"
            );
        }
    }

    /// Stops the controller for good.
    pub(crate) fn stop(&self) -> Quiet {
        *self.life.lock() = Life::Down;
        self.set_states(State::Dead(ENODEV));
        let _ = power::shut_down(&self.bar);
        // QEMU does not take back a legacy interrupt that is raised when the controller is reset.
        self.handle_all();
        if let Err(error) = power::disable(&self.bar) {
            self.give_up(error);
            return Quiet::Unknown;
        }
        self.end_all(ENODEV);
        self.queues().for_each(|queue| queue.free());
        Quiet::Reset
    }
}
