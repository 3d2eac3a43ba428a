// SPDX-License-Identifier: GPL-2.0

//! What the device reads and writes for the driver, which sees it in a scratch buffer: how drivers
//! of a device without page tables or lists follow these in its place, by what it reads.

use crate::edu::{
    Engine,
    CHUNK, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    FromDevice,
    SgTable,
    ToDevice, //
};

impl Engine<'_> {
    /// Has the device read at `addr`, and shows what it has read: a page at most.
    ///
    /// # Errors
    ///
    /// As for [`copy_all`](Self::copy_all).
    pub(crate) fn fetch(&self, dma: DmaDevice<'_>, addr: DmaAddress, bytes: &mut [u8]) -> Result {
        let scratch = SgTable::alloc(bytes.len(), dma, GFP_KERNEL)?;
        let scratch = scratch.map(dma, FromDevice)?.submit();
        let to = scratch.dma_runs().next().ok_or(EINVAL)?.addr;
        let result = self.copy_all(addr, to, bytes.len());
        if result == Err(ETIMEDOUT) {
            return result; // And the scratch buffer goes into quarantine.
        }
        let scratch = scratch.complete().unmap();
        result?;
        scratch.copy_to_slice(0, bytes)
    }

    /// Has the device write at `addr`: a page at most.
    ///
    /// # Errors
    ///
    /// As for [`copy_all`](Self::copy_all).
    pub(crate) fn store(&self, dma: DmaDevice<'_>, addr: DmaAddress, bytes: &[u8]) -> Result {
        let mut scratch = SgTable::alloc(bytes.len(), dma, GFP_KERNEL)?;
        scratch.copy_from_slice(0, bytes)?;
        let scratch = scratch.map(dma, ToDevice)?.submit();
        let from = scratch.dma_runs().next().ok_or(EINVAL)?.addr;
        let result = self.copy_all(from, addr, bytes.len());
        if result == Err(ETIMEDOUT) {
            return result; // And the scratch buffer goes into quarantine.
        }
        drop(scratch.complete());
        result
    }

    /// As [`copy`](Self::copy), of any length.
    ///
    /// # Errors
    ///
    /// As for `copy`; some of it may have been copied then.
    pub(crate) fn copy_all(&self, from: DmaAddress, to: DmaAddress, len: usize) -> Result {
        for at in (0..len).step_by(CHUNK) {
            let part = CHUNK.min(len - at);
            let at = at as DmaAddress;
            self.copy(from + at, to + at, part)?;
        }
        Ok(())
    }
}
