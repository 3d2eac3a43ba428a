// SPDX-License-Identifier: GPL-2.0

//! The work item of a driver that runs when an exporter takes a dma-buf back.

use crate::{
    base::direction::Direction,
    dmabuf::{
        buffer::DmaBuf,
        revocable::Revocable, //
    },
    driver::{
        Driver,
        DriverContext, //
    }, //
};
use kernel::prelude::*;

impl DmaBuf {
    /// Attaches the device of `ctx` as [`attach`](Self::attach) does, to a buffer that the exporter
    /// may take back: `dma_buf_dynamic_attach()`, `dma_buf_pin()`. May sleep.
    ///
    /// Then the driver's work item `item` runs. It drops each buffer for which
    /// [`Revocable::is_revoked`] returns true, once the device has stopped. To miss none, the
    /// driver holds the lock that the work item takes, from before this call until it has stored
    /// the result. Nobody accesses memory of user space with that lock held: a page fault there may
    /// wait for the exporter.
    ///
    /// The buffer may be memory of another device, which this device accesses without the CPU
    /// (`allow_peer2peer`).
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the driver has no work item `item`. Exporters of another device's memory
    ///   return it if this device does not reach that memory.
    /// - `ENODEV` if the exporter has taken the buffer back already.
    /// - Those of [`attach`](Self::attach).
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use kernel::sync::Mutex;
    /// # use sgdma::{Bidirectional, DmaBuf, Driver, DriverContext, InFlight, Revocable};
    /// /// The work item that unmaps what exporters have taken back.
    /// const UNMAP: u32 = 0;
    ///
    /// fn import<'bound, D: Driver>(
    ///     buffer: &DmaBuf,
    ///     ctx: &DriverContext<'bound, D>,
    ///     imported: &Mutex<Option<InFlight<Revocable<'bound, Bidirectional>>>>,
    /// ) -> Result {
    ///     let mut place = imported.lock(); // The work item takes this lock.
    ///     let buffer = buffer.attach_revocable(ctx, Bidirectional, UNMAP)?;
    ///     *place = Some(buffer.submit());
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "dma_buf_dynamic_attach")]
    #[doc(alias = "dma_buf_pin")]
    pub fn attach_revocable<'bound, Drv: Driver, D: Direction>(
        &self,
        ctx: &DriverContext<'bound, Drv>,
        _direction: D,
        item: u32,
    ) -> Result<Revocable<'bound, D>> {
        let work = ctx.tasks().work_ref(item).ok_or(EINVAL)?;
        Revocable::new(self, ctx.dma(), work)
    }
}
