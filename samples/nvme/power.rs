// SPDX-License-Identifier: GPL-2.0

//! The controller is enabled and disabled, and each time takes a while.

use crate::{
    controller::{
        Controller,
        ADMIN_DEPTH, //
    },
    registers::{
        self,
        Bar,
        ACQ,
        ACQ_HIGH,
        AQA,
        ASQ,
        ASQ_HIGH,
        CAP,
        CAP_HIGH,
        CC,
        CSTS,
        SHUTDOWN_COMPLETE, //
    },
};
use kernel::{
    device::Bound,
    io::Io,
    pci,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use sgdma::EOPNOTSUPP;

/// The longest wait until the controller has written what it keeps, in milliseconds.
const SHUTDOWN_MS: u32 = 5000;

/// Checks that the driver knows such a controller.
pub(crate) fn check(pdev: &pci::Device<Bound>, bar: &Bar<'_>) -> Result {
    if !registers::is_present(bar) {
        return Err(ENODEV);
    }
    let high = bar.read(CAP_HIGH);
    if !high.nvm() || high.min_page().get() != 0 || bar.read(CAP).max_entries().get() == 0 {
        dev_err!(
            pdev,
            "cannot bind: the controller lacks the NVM command set, pages of 4 KiB, or queues\n"
        );
        return Err(EOPNOTSUPP);
    }
    Ok(())
}

/// Waits until `is_so` returns true, for at most `timeout_ms` milliseconds.
///
/// # Errors
///
/// - `ENODEV` if the controller is gone.
/// - `ETIMEDOUT`.
fn wait_until(bar: &Bar<'_>, timeout_ms: u32, is_so: impl Fn(CSTS) -> bool) -> Result {
    for _ in 0..=timeout_ms {
        let status = bar.read(CSTS);
        if !registers::is_present(bar) {
            return Err(ENODEV);
        }
        if is_so(status) {
            return Ok(());
        }
        fsleep(Delta::from_millis(1));
    }
    Err(ETIMEDOUT)
}

fn timeout_ms(bar: &Bar<'_>) -> u32 {
    bar.read(CAP).timeout().get().max(1) * 500
}

/// Disables the controller. Then it uses no memory that it was told of before.
pub(crate) fn disable(bar: &Bar<'_>) -> Result {
    bar.write_reg(bar.read(CC).with_enable(false));
    wait_until(bar, timeout_ms(bar), |status| !status.ready())
}

/// Makes the controller write what it keeps, as it is about to lose its power.
pub(crate) fn shut_down(bar: &Bar<'_>) -> Result {
    bar.write_reg(bar.read(CC).with_const_shutdown::<1>());
    wait_until(bar, SHUTDOWN_MS, |status| {
        status.shutdown().get() == SHUTDOWN_COMPLETE || status.fatal()
    })
}

impl Controller<'_> {
    /// Enables a controller that is disabled, with the admin queue.
    pub(crate) fn enable(&self) -> Result {
        let (bar, admin) = (&self.bar, &self.admin);
        const SIZE: u32 = ADMIN_DEPTH as u32 - 1;
        bar.write_reg(
            AQA::zeroed()
                .with_const_completions::<SIZE>()
                .with_const_submissions::<SIZE>(),
        );
        bar.write_reg(ASQ::zeroed().with_address(admin.submission as u32));
        bar.write_reg(ASQ_HIGH::zeroed().with_address((admin.submission >> 32) as u32));
        bar.write_reg(ACQ::zeroed().with_address(admin.completion as u32));
        bar.write_reg(ACQ_HIGH::zeroed().with_address((admin.completion >> 32) as u32));
        bar.write_reg(
            CC::zeroed()
                .with_const_completion_size::<4>()
                .with_const_submission_size::<6>()
                .with_enable(true),
        );
        wait_until(bar, timeout_ms(bar), |status| {
            status.ready() || status.fatal()
        })?;
        if bar.read(CSTS).fatal() {
            return Err(EIO);
        }
        Ok(())
    }
}
