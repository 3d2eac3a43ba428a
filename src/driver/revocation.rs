// SPDX-License-Identifier: GPL-2.0

//! The work item of a driver that runs when an exporter takes a dma-buf back.

use crate::{
    base::direction::Direction,
    device::dma_device::DmaDevice,
    dmabuf::{
        buffer::DmaBuf,
        revocable::Revocable, //
    },
    driver::{
        Driver,
        DriverContext,
        Handlers, //
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
    /// wait for the exporter. Nor does anybody call [`for_cpu`](Self::for_cpu) with that lock held:
    /// it waits for fences, to which any process can add one.
    ///
    /// The buffer may be memory of another device, which this device accesses without the CPU
    /// (`allow_peer2peer`).
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `item` is not less than the driver's
    ///   [`WORK_ITEMS`](crate::Handlers::WORK_ITEMS). Other modules that export memory of a device
    ///   return it if this device does not reach that memory.
    /// - `EREMOTEIO`, with a line in the log, if this device does not reach the memory of
    ///   [`PeerMemory`](crate::PeerMemory).
    /// - `ENODEV` if the exporter has taken the buffer back already.
    /// - Those of [`attach`](Self::attach).
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use kernel::sync::Mutex;
    /// # use sgdma::{Bidirectional, DmaBuf, DmaDevice, Driver, DriverContext, InFlight, Revocable};
    /// /// The work item that unmaps what exporters have taken back.
    /// const UNMAP: u32 = 0;
    ///
    /// fn import<'bound, D: Driver<Dma<'bound> = DmaDevice<'bound>>>(
    ///     buffer: &DmaBuf,
    ///     ctx: &DriverContext<'bound, D>,
    ///     imported: &Mutex<Option<InFlight<Revocable<'bound, Bidirectional>>>>,
    /// ) -> Result {
    ///     let mut place = imported.lock(); // The work item takes this lock.
    ///     if place.is_some() {
    ///         return Err(EBUSY); // In its place, the other buffer would be dropped in flight.
    ///     }
    ///     let buffer = buffer.attach_revocable(ctx, Bidirectional, UNMAP)?;
    ///     *place = Some(buffer.submit());
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "dma_buf_dynamic_attach")]
    #[doc(alias = "dma_buf_pin")]
    pub fn attach_revocable<'bound, Drv, D: Direction>(
        &self,
        ctx: &DriverContext<'bound, Drv>,
        _direction: D,
        item: u32,
    ) -> Result<Revocable<'bound, D>>
    where
        Drv: Driver<Dma<'bound> = DmaDevice<'bound>>,
    {
        const {
            assert!(
                Drv::Handlers::WORK_ITEMS > 0,
                "`attach_revocable` needs a work item, `Handlers::WORK_ITEMS`, to drop buffers"
            );
        }
        let work = ctx.tasks().work_ref(item).ok_or(EINVAL)?;
        Revocable::new(self, ctx.dma(), work)
    }
}
