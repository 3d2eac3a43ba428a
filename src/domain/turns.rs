// SPDX-License-Identifier: GPL-2.0

//! Who uses a mapping of a domain: devices, and the CPU.
//!
//! Where caches are coherent, all use the bytes at the same time. Elsewhere they take turns. A
//! device's turn begins when the DMA API maps the same pages, and ends when they are unmapped: the
//! IOMMU API has no calls for caches, and these two write back and invalidate what caches hold.
//! The bus addresses of that mapping are in the address space of the DMA API, which an attached
//! device does not see, and are not given to anybody. If memory would bounce, the device would see
//! other pages than the CPU, so that is refused.

use crate::{
    base::{
        direction::{
            DeviceReads,
            Direction, //
        },
        gfp::Gfp, //
    },
    device::dma_device::DmaDevice,
    domain::{
        data::DomainData,
        device::{
            DomainDevice,
            Member, //
        },
        mapping::{
            begin_turn,
            DomainMapping,
            InDomain,
            Shared, //
        }, //
    },
    ffi,
    lifecycle::quarantine::{
        Hold,
        Place,
        Placed, //
    },
    map::{
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        words::{
            piece_of_table,
            private::{
                Memory,
                Piece, //
            },
            Words, //
        }, //
    },
    table::sg_table::SgTable,
    walk::dma::DmaTable, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    ffi::c_uint,
    prelude::*,
    sync::Arc, //
};

impl<D: Direction> DomainMapping<D> {
    /// Gives the mapping to a device that is attached to its domain. May sleep.
    ///
    /// Where caches are coherent, several devices and the CPU can have it at the same time.
    /// Elsewhere the call begins the device's turn, and hands the bytes to the device.
    ///
    /// # Errors
    ///
    /// - `EXDEV` if `dev` is attached to another domain.
    /// - `EBUSY` if caches are not coherent, and the CPU or another device has its turn.
    /// - `ENOMEM` if there is no memory. Where caches are not coherent, also `EIO` and others of
    ///   [`SgTable::map`].
    pub fn for_device<'bound, T: DomainData>(
        &self,
        dev: DomainDevice<'bound, T>,
    ) -> Result<DomainUse<'bound, D>> {
        // INVARIANT: The use was just made for `dev`.
        Ok(DomainUse {
            dev: dev.member().dma,
            held: ManuallyDrop::new(Use::new(
                &self.shared,
                dev.member(),
                D::DIRECTION as c_uint,
            )?),
            _direction: PhantomData,
        })
    }

    /// Gives the CPU access to the bytes until the guard is dropped. Does not sleep.
    ///
    /// Where caches are coherent, devices may use the bytes at the same time: rings are kept so.
    ///
    /// # Errors
    ///
    /// `EBUSY` if caches are not coherent, and a device or another guard has its turn.
    pub fn for_cpu(&self) -> Result<DomainForCpu<'_, D>> {
        // SAFETY: `self` is a mapping of it.
        let is_turn = !unsafe { self.shared.content() }.domain().is_coherent();
        if is_turn && !self.shared.enter(false) {
            return Err(EBUSY);
        }
        // INVARIANT: The turn was just entered if there are turns.
        Ok(DomainForCpu {
            mapping: self,
            is_turn,
        })
    }
}

/// A mapping of a domain that one of the domain's devices has.
///
/// The addresses are those of the [`DmaTable`] that the value dereferences to: one run. They are
/// for this device, and for those others of the domain that are given the mapping themselves.
///
/// Call [`submit`](Self::submit) before the device is told any address. A drop says that the device
/// has no use of the mapping any more. As long as the value exists, the buffer stays mapped.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DomainDevice, DomainMapping, FromDevice};
/// /// Has the device fill the buffer, and copies its first bytes.
/// fn capture(
///     buffer: &DomainMapping<FromDevice>,
///     dev: DomainDevice<'_>,
///     engine: &Engine,
/// ) -> Result<[u8; 16]> {
///     let given = buffer.for_device(dev)?.submit();
///     engine.write(given.dma_address(), given.len())?; // On an error: quarantine.
///     drop(given.complete());
///     let mut first = [0; 16];
///     buffer.for_cpu()?.copy_to_slice(0, &mut first)?;
///     Ok(first)
/// }
/// # struct Engine;
/// # impl Engine { fn write(&self, _: u64, _: usize) -> Result { Ok(()) } }
/// ```
///
/// # Invariants
///
/// `held` was not moved out, and is a use by `dev`.
#[must_use = "dropping the value says that the device does not use the buffer"]
pub struct DomainUse<'bound, D: Direction> {
    dev: DmaDevice<'bound>,
    held: ManuallyDrop<Placed<Use>>,
    _direction: PhantomData<D>,
}

impl<D: Direction> DomainUse<'_, D> {
    /// Returns the address of the first byte, for this device. The others follow.
    pub fn dma_address(&self) -> DmaAddress {
        self.held.content().addr()
    }

    /// Returns the length of the buffer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    pub fn len(&self) -> usize {
        self.held.mapping.len
    }

    /// Puts the buffer in flight, before the device is told any address. Does not sleep.
    ///
    /// Nothing unmaps or frees the buffer until [`InFlight::complete`] is called.
    pub fn submit(self) -> InFlight<Self> {
        InFlight::new(self)
    }
}

/// Gives access to the device's view of the buffer: the addresses, and the walks over them.
impl<D: Direction> Deref for DomainUse<'_, D> {
    type Target = DmaTable;

    fn deref(&self) -> &DmaTable {
        self.held.content().dma()
    }
}

impl<D: Direction> Mapping for DomainUse<'_, D> {}

impl<D: Direction> private::Mapping for DomainUse<'_, D> {
    fn epoch(&self) -> u64 {
        self.dev.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.len());
        let mut this = ManuallyDrop::new(self);
        // SAFETY:
        // - By the type invariants the use was not moved out, and is of `dev`. `this` is neither
        //   used again nor dropped.
        // - The device is valid and bound: `dev` borrows it.
        // - The quarantine is the one that `dev` has from its binding.
        unsafe {
            ManuallyDrop::take(&mut this.held).hold(dev.as_raw(), dev.quarantine(), epoch, len)
        };
    }
}

impl<D: Direction> Drop for DomainUse<'_, D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the use was not moved out. A value that is being dropped
        // is not used again.
        unsafe { ManuallyDrop::drop(&mut self.held) };
    }
}

/// A device's use of a mapping. A drop ends it, for any context.
///
/// # Invariants
///
/// - The use is counted in the users of `mapping`.
/// - If `turn` is some, `sgdma_domain_begin_turn()` was called with these arguments for the table.
struct Use {
    mapping: Arc<Shared>,
    turn: Option<Turn>,
}

/// The turn of a device whose caches are not coherent.
struct Turn {
    dev: *mut bindings::device,
    direction: ffi::dma_data_direction,
}

// SAFETY: Any task may use the device that the pointer is to.
unsafe impl Send for Turn {}
// SAFETY: As above.
unsafe impl Sync for Turn {}

impl Use {
    /// Gives `mapping` to `dev`.
    // Neither generic nor inlined, as `Place::new_ours()` demands.
    #[inline(never)]
    fn new(
        mapping: &Arc<Shared>,
        dev: Member<'_>,
        direction: ffi::dma_data_direction,
    ) -> Result<Placed<Self>> {
        // SAFETY: The caller has a `DomainMapping`.
        let content = unsafe { mapping.content() };
        if !content.domain().is(dev.domain) {
            return Err(EXDEV);
        }
        let place = Place::new_ours(Gfp::from(GFP_KERNEL_ACCOUNT))?;
        let coherent = content.domain().is_coherent();
        if !mapping.enter(coherent) {
            return Err(EBUSY);
        }
        // INVARIANT: `enter()` has counted the use.
        let mut this = Self {
            mapping: mapping.clone(),
            turn: None,
        };
        if !coherent {
            // SAFETY: The use is the one that is counted, so the table is exclusive. The turn ends
            // with the use, which keeps the table, and ends while the device is bound.
            unsafe { begin_turn(content.table_mut(), dev.dma, direction) }?;
            // INVARIANT: The turn has begun.
            this.turn = Some(Turn {
                dev: dev.dma.as_raw(),
                direction,
            });
        }
        Ok(place.put(this))
    }

    fn content(&self) -> &InDomain {
        // SAFETY: By the type invariants the use is counted.
        unsafe { self.mapping.content() }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(Turn { dev, direction }) = self.turn.take() {
            // SAFETY:
            // - By the type invariants the turn has begun, with these arguments. It ends once.
            // - The device is bound: a `DomainUse` borrows its binding, and `Hold::release()`
            //   requires it.
            // - Turns are for caches that are not coherent, and this use is counted.
            unsafe {
                let sgt = self.content().table_mut().sgt_mut();
                ffi::sgdma_domain_end_turn(dev, sgt, direction, false);
            }
        }
        self.mapping.leave();
    }
}

impl Hold for Use {
    fn is_where_it_was(&self) -> bool {
        // The domain is kept. Where the DMA API has mapped the list, nobody can tell: the device is
        // attached elsewhere.
        self.turn.is_none()
    }

    unsafe fn release(self) {}
}

/// A guard that gives the CPU access to a mapping of a domain.
///
/// Offsets count from the start of the buffer. By [`Words`], whose [`fill`](Words::fill) writes
/// page tables, the CPU and devices use a ring at the same time, where caches are coherent.
///
/// A guard that is forgotten, with `core::mem::forget()`, keeps its turn for ever.
///
/// # Invariants
///
/// If `is_turn`, caches are not coherent, and the guard is counted as the one user.
#[must_use = "the CPU's turn ends when the guard is dropped"]
pub struct DomainForCpu<'a, D: Direction> {
    mapping: &'a DomainMapping<D>,
    is_turn: bool,
}

impl<D: Direction> DomainForCpu<'_, D> {
    fn table(&self) -> &SgTable {
        // SAFETY: The guard borrows a `DomainMapping`. By the type invariants it is the one user
        // that is counted, if caches are not coherent.
        unsafe { self.mapping.shared.content().table() }
    }

    /// Copies bytes from `offset` of the buffer on to all of `dst`. Does not sleep.
    ///
    /// If a device or another CPU writes these bytes at the same time, the copy may have part of
    /// the new bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the buffer.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.table().copy_to_slice(offset, dst)
    }

    /// Copies all of `src` to the buffer, from byte `offset` on. Does not sleep.
    ///
    /// If a device or another CPU reads these bytes at the same time, it may read part of the new
    /// bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.table().copy_from_slice_shared(offset, src)
    }
}

// SAFETY:
// - The piece is in a page of the table, which is valid as long as the guard. The table is mapped,
//   so it lends no reference to its bytes.
// - The other requirements are those that `piece_of_table()` keeps.
unsafe impl<D: DeviceReads> Memory for DomainForCpu<'_, D> {
    fn len(&self) -> usize {
        self.mapping.len()
    }

    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        piece_of_table(self.table(), offset, len)
    }
}

impl<D: DeviceReads> Words for DomainForCpu<'_, D> {}

impl<D: Direction> Drop for DomainForCpu<'_, D> {
    fn drop(&mut self) {
        if self.is_turn {
            self.mapping.shared.leave();
        }
    }
}
