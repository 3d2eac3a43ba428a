// SPDX-License-Identifier: GPL-2.0

//! Coherent buffers: memory that a device and the CPU use at the same time, on any hardware.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! The DMA API chooses memory for which nothing has to be synchronised: without caches, if it must,
//! or in a region that is set apart for the device. So there may be no pages behind such memory, or
//! pages elsewhere than at the address that the CPU uses. All that there is are two addresses, one
//! for the CPU and one for the device.

use crate::{
    base::gfp::Gfp,
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    lifecycle::{
        deferred,
        quarantine::{
            Hold,
            Place,
            Placed, //
        }, //
    },
    map::{
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        words::{
            private::{
                Memory,
                Piece, //
            },
            Words, //
        }, //
    },
    walk::{
        dma::DmaTable,
        list::List, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    alloc::Flags,
    bindings,
    dma::DmaAddress,
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Memory that a device and the CPU use at the same time for long: `dma_alloc_coherent()`.
///
/// The bytes are zero at first. Both sides access them without any synchronisation, also where
/// memory bounces and where the hardware does not keep caches coherent. The CPU accesses them by
/// [`Words`], before and after [`submit`](Self::submit).
///
/// The buffer dereferences to a [`DmaTable`] of one run, however the pages lie: an IOMMU, or the
/// allocator, makes it contiguous for the device. It has no CPU walk.
///
/// Call `submit` before the device is told the address. A drop frees the memory; where nothing may
/// sleep, a worker does, before the binding ends.
///
/// # Which memory for what
///
/// - A `CoherentBuffer` is for what both use all the time: rings, queues, mailboxes. It works with
///   every device. It is slow where the hardware does not keep caches coherent, because it is then
///   not cached, and a large one may find no memory. A [`DmaPool`](crate::DmaPool) is the same for
///   many small pieces.
/// - A [`Shared`](crate::Shared) table is for large memory that both use at the same time, or that
///   processes use, too. It is always cached, and it exists only for a device that is coherent and
///   accesses the pages in place.
/// - A [`Mapped`](crate::Mapped) table that is submitted and completed is for data that changes
///   hands: a packet, a frame, a block. It works with every device, and is always cached. It costs
///   a call of the DMA API each time.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CoherentBuffer, DmaDevice, InFlight, Words};
/// /// Makes a ring that the device uses until the binding ends.
/// fn ring<'bound>(dev: DmaDevice<'bound>) -> Result<InFlight<CoherentBuffer<'bound>>> {
///     let ring = CoherentBuffer::alloc(1 << 12, dev, GFP_KERNEL)?;
///     ring.write(0, 1u32.to_le())?;
///     // From here on the device may be told `ring.dma_address()`.
///     Ok(ring.submit())
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let ring = ring(dev)?;
/// assert_eq!((ring.read::<u32>(0)?, ring.read::<u32>(4)?), (1, 0));
/// let runs = ring.dma_runs().map(|run| (run.addr, run.len));
/// assert!(runs.eq([(ring.dma_address(), 1 << 12)]));
/// drop(ring.complete());
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// `memory` was not moved out, and was allocated for `dev`.
#[must_use = "dropping the buffer frees it"]
#[doc(alias = "dma_alloc_coherent")]
#[doc(alias = "dma_alloc_attrs")]
pub struct CoherentBuffer<'bound> {
    dev: DmaDevice<'bound>,
    memory: ManuallyDrop<Placed<Coherent>>,
}

// SAFETY: Any task may use and free the memory.
unsafe impl Send for CoherentBuffer<'_> {}
// SAFETY: A shared reference only permits volatile accesses of words, and copies in C, both of
// which any CPU may make at any time.
unsafe impl Sync for CoherentBuffer<'_> {}

impl<'bound> CoherentBuffer<'bound> {
    /// Allocates `len` zeroed bytes for `dev`: `dma_alloc_coherent()`.
    ///
    /// The memory is page-granular, and aligned for both sides to its size, rounded up to a power
    /// of two, as far as a region of the device's own allows. The coherent mask of `dev` counts,
    /// and the limits of segments do not. The call sleeps only if `gfp` allows it, and does not
    /// make the OOM killer end a process. Of `gfp` the same bits count as for
    /// [`SgTable::alloc`](crate::SgTable::alloc). If it does not allow sleeping, and the caches are
    /// not coherent, the memory comes from a small reserve of the kernel's (`coherent_pool=`).
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero.
    /// - `E2BIG` if `len`, rounded up to pages, is 4 GiB or more.
    /// - `ENOMEM` if there is no memory, or none that is contiguous for the device. Behind an IOMMU
    ///   single pages will do.
    /// - `EIO` if the device has no coherent mask.
    // Out of line: inlined into a driver, the place would refer to code of the driver's module.
    #[inline(never)]
    #[doc(alias = "dma_alloc_coherent")]
    pub fn alloc(len: usize, dev: DmaDevice<'bound>, gfp: Flags) -> Result<Self> {
        let gfp = Gfp::from(gfp);
        let size = allocated(len)?;
        if !dev.has_coherent_mask() {
            return Err(EIO);
        }
        gfp.check_room_for(size as usize / PAGE_SIZE)?;
        let place = Place::new_ours(gfp)?;
        let memory = Coherent::alloc(len, size, dev, gfp)?;
        // INVARIANT: `memory` was just allocated for `dev`.
        Ok(Self {
            dev,
            memory: ManuallyDrop::new(place.put(memory)),
        })
    }

    /// Returns the length of the buffer in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty one cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        self.memory.len
    }

    /// Returns the bus address of the first byte. The others follow.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.memory.addr
    }

    /// Puts the buffer in flight, before the device is told its address. Does not sleep.
    ///
    /// Nothing frees the buffer until [`InFlight::complete`] is called. The CPU still has access to
    /// the bytes.
    pub fn submit(self) -> InFlight<Self> {
        InFlight::new(self)
    }
}

/// Returns the number of bytes to allocate for `len`: whole pages, which one entry can describe.
fn allocated(len: usize) -> Result<u32> {
    if len == 0 {
        return Err(EINVAL);
    }
    len.checked_next_multiple_of(PAGE_SIZE)
        .and_then(|size| size.try_into().ok())
        .ok_or(E2BIG)
}

/// Gives access to the device's view of the buffer: one run of bus addresses.
impl Deref for CoherentBuffer<'_> {
    type Target = DmaTable;

    #[inline]
    fn deref(&self) -> &DmaTable {
        // SAFETY:
        // - `Coherent::alloc()` has made the list of the one run that the device is shown, with one
        //   entry as mapping would.
        // - The memory is freed, and the list with it, only through the `CoherentBuffer` by value,
        //   and the reference borrows it.
        unsafe { DmaTable::from_raw(self.memory.list.sgt()) }
    }
}

// SAFETY:
// - The memory is valid as long as the buffer, and nobody is given a reference to it.
// - `Piece::of()` returns all `len` bytes.
unsafe impl Memory for CoherentBuffer<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.memory.len
    }

    #[inline]
    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        Piece::of(self.memory.cpu.as_ptr(), self.memory.len, offset, len)
    }
}

impl Words for CoherentBuffer<'_> {}

impl Mapping for CoherentBuffer<'_> {}

impl private::Mapping for CoherentBuffer<'_> {
    fn epoch(&self) -> u64 {
        self.dev.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.len());
        let mut this = ManuallyDrop::new(self);
        // SAFETY:
        // - By the type invariants the memory was not moved out, and was allocated for `dev`.
        //   `this` is neither used again nor dropped.
        // - The device is valid and bound: `dev` borrows it.
        // - The quarantine is the one that `dev` has from its binding.
        unsafe {
            ManuallyDrop::take(&mut this.memory).hold(dev.as_raw(), dev.quarantine(), epoch, len)
        };
    }
}

impl Drop for CoherentBuffer<'_> {
    fn drop(&mut self) {
        let (dev, len) = (self.dev, self.memory.len);
        // SAFETY: By the type invariants the memory was not moved out. A value that is being
        // dropped is not used again.
        let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
        // SAFETY:
        // - The device is valid and bound: `dev` borrows it. It has stayed bound since the memory
        //   was allocated for it.
        // - A device with a quarantine has a binding of this library, whose end drops all that
        //   borrows the binding, and then waits for the worker.
        // - The device is done with the memory: it was not submitted, or is complete.
        // - `alloc()` has made the place by `new_ours()`.
        unsafe { deferred::free(dev.as_raw(), dev.quarantine().is_some(), len, memory) };
    }
}

/// The source of a device's coherent memory.
///
/// # Invariants
///
/// The values were those of the device when the memory was allocated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    route: DmaRoute,
    /// True if the memory was set apart for the device.
    own: bool,
    /// True if the caches are coherent with the device.
    coherent: bool,
    domain: *mut bindings::iommu_domain,
}

impl Origin {
    /// Returns where coherent memory of `dev` comes from now.
    ///
    /// # Safety
    ///
    /// `dev` is valid.
    pub(super) unsafe fn of(dev: *mut bindings::device) -> Self {
        // SAFETY: The caller promises a valid device, which is all that the functions require.
        unsafe {
            Self {
                route: DmaRoute::of(dev),
                own: ffi::sgdma_has_own_memory(dev),
                coherent: ffi::sgdma_has_coherent_caches(dev),
                domain: ffi::sgdma_iommu_get_domain_for_dev(dev),
            }
        }
    }

    /// Returns true if coherent memory of `dev` can be freed that came from here in an earlier
    /// binding of `dev`: the bytes at `cpu` are still shown at `addr`, if they are at all.
    ///
    /// # Safety
    ///
    /// - `dev` is valid and bound.
    /// - `cpu` is an address of memory that was allocated for `dev`, from here.
    pub(super) unsafe fn is_still_of(
        self,
        dev: *mut bindings::device,
        cpu: NonNull<u8>,
        addr: DmaAddress,
    ) -> bool {
        // SAFETY: The caller promises a valid device.
        if self.own || self != unsafe { Self::of(dev) } {
            return false;
        }
        match self.route {
            DmaRoute::Direct => true,
            // The device may have got another domain, at the same place in memory. But nobody else
            // has these pages, so nobody else has mapped them: if the domain leads to one, then it
            // is the domain that all of them were mapped in.
            // SAFETY: `domain` is valid: it is now that of a device that is bound. `cpu` is an
            // address of the kernel's that is in use, as the caller promises.
            DmaRoute::Iommu => unsafe {
                ffi::sgdma_iommu_iova_to_phys(self.domain, addr)
                    == ffi::sgdma_addr_to_phys(cpu.as_ptr().cast())
            },
            // Nobody can tell.
            DmaRoute::Ops | DmaRoute::Domain => false,
        }
    }
}

/// Coherent memory of a device.
///
/// # Invariants
///
/// - `dma_alloc_attrs()` has returned `cpu` and `addr`, for `size` bytes with `ATTRS` for `dev`, to
///   which they belong until [`Hold::release`].
/// - `len` is at most `size`. The bytes are zero at first.
/// - `list` has one mapped entry: `len` bytes from `addr` on.
struct Coherent {
    dev: *mut bindings::device,
    cpu: NonNull<u8>,
    addr: DmaAddress,
    len: usize,
    size: u32,
    origin: Origin,
    list: List,
}

// SAFETY: Any task may use the device, the domain and the memory that the pointers are to.
unsafe impl Send for Coherent {}

/// The caller of `alloc()` gets an error, so that no line in the log is needed.
const ATTRS: c_ulong = bindings::DMA_ATTR_NO_WARN as c_ulong;

impl Coherent {
    /// Allocates `size` bytes, which are whole pages, to use `len` of them.
    fn alloc(len: usize, size: u32, dev: DmaDevice<'_>, gfp: Gfp) -> Result<Self> {
        // The list comes first: memory could not be freed again if nothing may sleep here.
        let mut list = List::alloc(1, gfp)?;
        let mut addr = 0;
        // SAFETY: The device is valid and bound, and has a coherent mask, which the caller has
        // checked. `Gfp` holds flags that go together, without `__GFP_COMP`.
        let cpu = unsafe {
            bindings::dma_alloc_attrs(
                dev.as_raw(),
                size as usize,
                &mut addr,
                gfp.for_coherent(),
                ATTRS,
            )
        };
        let cpu = NonNull::new(cpu.cast()).ok_or(ENOMEM)?;
        // CAST: `len` is at most `size`.
        list.set_run(addr, len as u32);
        // INVARIANT: The call has succeeded, and zeroes the bytes. The list has the run.
        Ok(Self {
            dev: dev.as_raw(),
            cpu,
            addr,
            len,
            size,
            // SAFETY: The device is valid.
            origin: unsafe { Origin::of(dev.as_raw()) },
            list,
        })
    }
}

impl Hold for Coherent {
    fn is_where_it_was(&self) -> bool {
        // SAFETY: The device is valid and bound: the quarantine asks for this only while the device
        // is being bound. By the type invariants the memory was allocated for it.
        unsafe { self.origin.is_still_of(self.dev, self.cpu, self.addr) }
    }

    unsafe fn release(self) {
        // SAFETY:
        // - By the type invariants the memory is allocated for `dev`, with these values.
        // - The device is bound, and does not use the memory, as the caller promises. It is as it
        //   was when the memory was allocated.
        // - This may sleep. `self` is not used again, so the memory is freed once.
        unsafe {
            bindings::dma_free_attrs(
                self.dev,
                self.size as usize,
                self.cpu.as_ptr().cast(),
                self.addr,
                ATTRS,
            )
        };
    }
}
