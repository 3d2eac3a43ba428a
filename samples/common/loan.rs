// SPDX-License-Identifier: GPL-2.0

//! A dma-buf, mapped for one request to a disk. The CPU touches none of its bytes.

use kernel::prelude::*;
use sgdma::{
    Attached,
    Bidirectional,
    DmaBuf,
    DmaDevice,
    DmaTable,
    InFlight,
    ToDevice, //
};

/// A dma-buf that is mapped for a request.
pub(crate) enum Loan<'bound> {
    /// Both ways. The device may write part of the dma-buf, and the rest must stay. The DMA API
    /// does not promise that for `FromDevice`.
    Read(Attached<'bound, Bidirectional>),
    Write(Attached<'bound, ToDevice>),
}

pub(crate) enum LoanInFlight<'bound> {
    Read(InFlight<Attached<'bound, Bidirectional>>),
    Write(InFlight<Attached<'bound, ToDevice>>),
}

impl<'bound> Loan<'bound> {
    pub(crate) fn new(dma: DmaDevice<'bound>, buf: &DmaBuf, is_write: bool) -> Result<Self> {
        Ok(if is_write {
            Self::Write(buf.attach(dma, ToDevice)?)
        } else {
            Self::Read(buf.attach(dma, Bidirectional)?)
        })
    }

    pub(crate) fn table(&self) -> &DmaTable {
        match self {
            Self::Read(attached) => attached,
            Self::Write(attached) => attached,
        }
    }

    pub(crate) fn submit(self) -> LoanInFlight<'bound> {
        match self {
            Self::Read(attached) => LoanInFlight::Read(attached.submit()),
            Self::Write(attached) => LoanInFlight::Write(attached.submit()),
        }
    }
}

impl<'bound> LoanInFlight<'bound> {
    /// Puts the dma-buf in flight again, after a reset of the device.
    pub(crate) fn resubmit(&mut self) {
        match self {
            Self::Read(attached) => attached.resubmit(),
            Self::Write(attached) => attached.resubmit(),
        }
    }

    /// Ends the device's use of the dma-buf, which is over or has not begun. For any context.
    pub(crate) fn complete(self) -> Loan<'bound> {
        match self {
            Self::Read(attached) => Loan::Read(attached.complete()),
            Self::Write(attached) => Loan::Write(attached.complete()),
        }
    }
}
