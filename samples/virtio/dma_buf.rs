// SPDX-License-Identifier: GPL-2.0

//! Requests whose bytes are in a dma-buf. The CPU touches none of them.

use crate::{
    common::loan::Loan,
    disk::Disk,
    transfer::Bytes,
    uapi,
    Virtio, //
};
use kernel::prelude::*;
use sgdma::{
    DmaBuf,
    Door, //
};

/// Runs a request with bytes of a dma-buf, and waits for its end.
pub(crate) fn run(door: &Door<'_, Virtio>, request: &uapi::sgdma_virtio_dma_buf) -> Result {
    let fd = u32::try_from(request.fd).map_err(|_| EBADF)?;
    // Outside of the gate: this needs no device.
    let buf = DmaBuf::from_fd(fd)?;
    door.enter(|disk| disk.run_with(&buf, request))
}

impl Disk<'_> {
    fn run_with(&self, buf: &DmaBuf, request: &uapi::sgdma_virtio_dma_buf) -> Result {
        let (pos, len) = (request.pos, request.len as usize);
        let offset = usize::try_from(request.offset)?;
        let end = offset.checked_add(len).ok_or(EINVAL)?;
        let end_on_disk = pos.checked_add(len as u64).ok_or(EINVAL)?;
        self.check(pos | request.offset | len as u64)?;
        let is_inside = end <= buf.len() && end_on_disk <= self.facts.capacity;
        let is_known = request.pad == 0 && request.write <= 1;
        if len == 0 || len > self.facts.max_bytes || !is_inside || !is_known {
            return Err(EINVAL);
        }
        let is_write = request.write == 1;
        if is_write && self.facts.is_read_only {
            return Err(EROFS);
        }
        let loan = Loan::new(self.dma, buf, is_write)?;
        self.run(pos, Bytes::DmaBuf(loan, offset..end))?;
        Ok(())
    }
}
