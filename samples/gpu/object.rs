// SPDX-License-Identifier: GPL-2.0

//! Buffer objects: memory that the CPU and the device use, and who may use an object.

use crate::{
    common::{
        sharing::Sharing,
        table::Walk, //
    },
    mob::GPU_PAGE,
    state::{
        Mode,
        State, //
    },
    Gpu,
    GpuData, //
};
use kernel::{
    dma::DmaAddress,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};
use sgdma::{
    DmaBuf,
    DmaDevice,
    DriverContext, //
};

/// The steps that undo that an object was bound.
pub(crate) struct Undo {
    /// The object was not mapped before.
    unmap: bool,
}

/// A buffer object of user space.
#[pin_data]
pub(crate) struct Object<'bound> {
    pub(crate) size: usize,
    pub(crate) mode: Mode,
    dma: DmaDevice<'bound>,
    /// `None` while the device uses the object. That may take long, so others get an error instead
    /// of waiting. Whoever has the lock does not access user space: `mmap()` takes the lock under
    /// `mmap_lock`.
    #[pin]
    state: Mutex<Option<State<'bound>>>,
}

impl<'bound> Object<'bound> {
    /// Makes an object of `size` bytes, which is a multiple of `GPU_PAGE`.
    pub(crate) fn new(size: usize, mode: Mode, sharing: Sharing<'bound>) -> Result<Arc<Self>> {
        Self::with_state(size, mode, sharing.dma(), State::new(size, mode, sharing)?)
    }

    /// Makes an object of a dma-buf, whose length is a multiple of `GPU_PAGE`.
    pub(crate) fn import(dma_buf: DmaBuf, dma: DmaDevice<'bound>) -> Result<Arc<Self>> {
        let size = dma_buf.len();
        Self::with_state(size, Mode::DmaBuf, dma, State::import(dma_buf))
    }

    fn with_state(
        size: usize,
        mode: Mode,
        dma: DmaDevice<'bound>,
        state: State<'bound>,
    ) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                size,
                mode,
                dma,
                state <- new_mutex!(Some(state)),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Calls `work`, which is short, unless the device uses the object.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State<'bound>) -> Result<R>) -> Result<R> {
        match &mut *self.state.lock() {
            Some(state) => work(state),
            None => Err(EBUSY),
        }
    }

    /// Takes the state away, for the device to use the object.
    pub(crate) fn take(&self) -> Result<State<'bound>> {
        self.state
            .lock()
            .take_if(|state| !state.unsettled)
            .ok_or(EBUSY)
    }

    pub(crate) fn give_back(&self, state: State<'bound>) {
        self.state.lock().insert(state).unmap_if_revoked();
    }

    /// Unmaps memory that its exporter has taken back. While the device uses the object,
    /// [`give_back`](Self::give_back) is still to come, which does the same.
    pub(crate) fn unmap_if_revoked(&self) {
        if let Some(state) = &mut *self.state.lock() {
            state.unmap_if_revoked();
        }
    }

    /// Describes the object to the device, by a page table with entries of `bits` bits.
    ///
    /// [`settle_bind`](Self::settle_bind) has to follow.
    pub(crate) fn bind(
        &self,
        state: &mut State<'bound>,
        bits: u32,
        gpu: &DriverContext<'bound, Gpu>,
    ) -> Result<Undo> {
        if state.mob.is_some() || state.unsettled {
            return Err(EBUSY);
        }
        let undo = Undo {
            unmap: !state.is_mapped(),
        };
        if undo.unmap {
            state.map(gpu)?;
        }
        match state.build_mob(self.dma, self.size / GPU_PAGE, bits) {
            Ok(mob) => {
                state.mob = Some(mob);
                state.unsettled = true;
                Ok(undo)
            }
            Err(error) => {
                if undo.unmap {
                    state.unmap();
                }
                Err(error)
            }
        }
    }

    /// Leaves the object bound if user space was told so, and undoes the binding otherwise.
    pub(crate) fn settle_bind(&self, undo: Undo, told: Result) -> Result {
        self.with(|state| {
            state.unsettled = false;
            if told.is_err() {
                state.unbind(undo.unmap);
            }
            told
        })
    }

    pub(crate) fn unbind(&self) -> Result {
        self.with(|state| match (&state.mob, state.unsettled) {
            (None, _) => Err(EINVAL),
            (Some(_), true) => Err(EBUSY),
            (Some(_), false) => {
                state.unbind(self.mode.maps_to_bind());
                Ok(())
            }
        })
    }

    /// Makes the device find each page of `part` by the page table. `part` begins at byte `offset`
    /// of the object. Calls `go` with the address of each page.
    pub(crate) fn by_device(
        &self,
        gpu: &GpuData<'bound>,
        offset: usize,
        part: &mut [u8],
        mut go: impl FnMut(DmaAddress, &mut [u8]) -> Result,
    ) -> Result {
        let mut state = self.take()?;
        let result = match &state.mob {
            None => Err(EINVAL),
            Some(mob) => {
                let mut walk = Walk::new(&gpu.engine, &mob.tables);
                let mut pages = part.chunks_mut(GPU_PAGE).enumerate();
                pages.try_for_each(|(i, page)| {
                    state.check()?;
                    go(walk.block(offset / GPU_PAGE + i)?, page)
                })
            }
        };
        if result == Err(ETIMEDOUT) {
            state.leak();
        }
        self.give_back(state);
        result
    }

    pub(crate) fn map(&self, gpu: &DriverContext<'bound, Gpu>) -> Result {
        self.with(|state| {
            if state.is_mapped() {
                Err(EINVAL)
            } else {
                state.map(gpu)
            }
        })
    }

    /// Unmaps the object, as a driver does to evict an object.
    pub(crate) fn unmap(&self) -> Result {
        self.with(|state| {
            if state.mob.is_some() {
                return Err(EBUSY);
            }
            if !state.can_unmap() {
                return Err(EINVAL);
            }
            state.unmap();
            Ok(())
        })
    }
}
