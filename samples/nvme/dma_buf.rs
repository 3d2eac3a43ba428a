// SPDX-License-Identifier: GPL-2.0

//! Commands whose bytes are in a dma-buf. The CPU touches none of them.
//!
//! The dma-buf is mapped for one command. A command that the device has owns the mapping, as
//! it owns other memory: `Slot::put` submits the mapping anew after a reset, and whoever ends the
//! command knows if the device is done with it. The task that waits gets the mapping back and
//! unmaps it, so that the device's turn ends before the request returns.

use crate::{
    command::PAGE,
    common::loan::{
        Loan,
        LoanInFlight, //
    },
    controller::Controller,
    passthrough::{
        Ask,
        Operation, //
    },
    transfer::{
        IntoTransfer,
        Transfer, //
    },
    uapi,
    Nvme, //
};
use core::ops::Range;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::{
    new_irq_lock,
    DmaBuf,
    Door,
    IrqLock, //
};

/// The place to which a command gives its mapping back, for the task that waits.
///
/// A command has no reference any more when it wakes the task: see `Sent::finish`. So the task
/// unmaps, by dropping the last one. The handler is the last to have one only if the task was
/// killed, and leaves unmapping to a worker.
type Back<'bound> = IrqLock<Option<Loan<'bound>>>;

/// The dma-buf of a command that the device has.
pub(crate) struct Lent<'bound> {
    loan: LoanInFlight<'bound>,
    back: Arc<Back<'bound>>,
}

impl Lent<'_> {
    /// Puts the dma-buf in flight again, after a reset of the device.
    pub(crate) fn resubmit(&mut self) {
        self.loan.resubmit();
    }

    /// Gives the dma-buf back, as the device is done with it or was never told of it. For any
    /// context.
    pub(crate) fn complete(self) {
        *self.back.lock() = Some(self.loan.complete());
    }
}

/// The part of a mapped dma-buf that a command is about.
struct Part<'bound> {
    loan: Loan<'bound>,
    range: Range<usize>,
    back: Arc<Back<'bound>>,
}

impl<'bound> IntoTransfer<'bound> for Part<'bound> {
    fn into_transfer(self, nvme: &Controller<'bound>) -> Result<Transfer<'bound>> {
        let prps = nvme.describe(self.loan.table(), self.range)?;
        let lent = Lent {
            loan: self.loan.submit(),
            back: self.back,
        };
        Ok(Transfer::of_dma_buf(prps, lent))
    }
}

impl Ask {
    /// Checks a request of user space that is about a dma-buf.
    ///
    /// # Errors
    ///
    /// `EINVAL`.
    fn of_dma_buf(
        door: &Door<'_, Nvme>,
        node: u32,
        request: &uapi::sgdma_nvme_dma_buf,
    ) -> Result<Self> {
        let command = uapi::sgdma_nvme_command {
            opcode: request.opcode,
            pad: request.pad,
            blocks: request.blocks,
            lba: request.lba,
            addr: request.offset,
            user_data: 0,
            tag: 0,
            result: 0,
        };
        let ask = door.enter(|nvme| Ask::new(nvme, node, &command))?;
        if ask.operation == Operation::Flush || ask.addr % PAGE != 0 {
            return Err(EINVAL);
        }
        Ok(ask)
    }
}

/// Runs a command with bytes of a dma-buf, and waits for its end. Returns the status and the first
/// word of the completion.
pub(crate) fn run(
    door: &Door<'_, Nvme>,
    node: u32,
    request: &uapi::sgdma_nvme_dma_buf,
) -> Result<(u16, u32)> {
    let ask = Ask::of_dma_buf(door, node, request)?;
    let fd = u32::try_from(request.fd).map_err(|_| EBADF)?;
    // Outside of the gate: this needs no device.
    let buf = DmaBuf::from_fd(fd)?;
    let end = ask.addr.checked_add(ask.len).ok_or(EINVAL)?;
    if end > buf.len() {
        return Err(EINVAL);
    }
    door.enter(|nvme| {
        let back = Arc::pin_init(new_irq_lock!(None), GFP_KERNEL_ACCOUNT)?;
        // Before a slot is reserved: the exporter may wait for fences.
        let part = Part {
            loan: Loan::new(nvme.controller.dma, &buf, ask.operation == Operation::Write)?,
            range: ask.addr..end,
            back: back.clone(),
        };
        let outcome = nvme.controller.run(ask.command, part);
        // The device's turn ends here, unless the command goes on.
        drop(back);
        let answer = outcome?.answer?;
        Ok((answer.status, answer.result))
    })
}
