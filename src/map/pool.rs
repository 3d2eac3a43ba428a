// SPDX-License-Identifier: GPL-2.0

//! Pools: small pieces of coherent memory, as descriptors and lists of addresses need them.
//!
//! C header: [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h)
//!
//! A pool ends when its handle and all of its blocks are gone. So a block in quarantine keeps its
//! pool, and no pool ends with a block in use.

use crate::{
    base::gfp::Gfp,
    device::dma_device::DmaDevice,
    ffi,
    lifecycle::{
        deferred,
        quarantine::{
            Hold,
            Place,
            Placed,
            Quarantine, //
        }, //
    },
    map::{
        coherent::Origin,
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
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    alloc::Flags,
    bindings,
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// A pool of small blocks of coherent memory: `dma_pool_create()`.
///
/// It suits descriptors and lists of addresses, for which a [`CoherentBuffer`] of whole pages each
/// would be too large. Allocating and freeing a block takes no call of the DMA API, unless the pool
/// has to grow. The pool gives its memory back when the handle and all blocks are gone.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, DmaPool, Words};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// // Blocks of 80 bytes at multiples of 32, none of which crosses a multiple of 4 KiB.
/// let pool = DmaPool::new(c"commands", dev, 80, 32, 4096)?;
/// let command = pool.alloc(GFP_KERNEL)?;
/// drop(pool);
/// assert_eq!((command.len(), command.dma_address() % 32), (80, 0));
/// command.write(72, 1u64)?;
/// assert_eq!(command.write(73, 1u64), Err(EINVAL));
/// # Ok(())
/// # }
/// ```
///
/// [`CoherentBuffer`]: crate::CoherentBuffer
#[doc(alias = "dma_pool")]
#[doc(alias = "dma_pool_create")]
pub struct DmaPool<'bound> {
    pool: Arc<Pool>,
    quarantine: Option<&'bound Quarantine>,
    _dev: PhantomData<DmaDevice<'bound>>,
}

/// The least alignment of a block, which is that of the largest word.
const MIN_ALIGN: usize = align_of::<u64>();

/// The longest block. The C function would take longer ones, and fail to allocate them.
const MAX_SIZE: usize = kernel::page::PAGE_SIZE << bindings::MAX_PAGE_ORDER;

impl<'bound> DmaPool<'bound> {
    /// Makes a pool of blocks of `size` bytes: `dma_pool_create()`. May sleep.
    ///
    /// The blocks begin at multiples of `align`, a power of two, and at multiples of 8. None
    /// crosses a multiple of `boundary`, a power of two, unless it is zero. `name` is shown in the
    /// device's file `pools` in sysfs, up to 31 bytes of it.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is zero, `align` is no power of two, or `boundary` is neither zero nor
    ///   a power of two that is at least `size`, rounded up to `align` and to 16.
    /// - `E2BIG` if no block so large can be allocated.
    /// - `ENOMEM` if there is no memory.
    /// - `EIO` if the device has no coherent mask.
    // Out of line: inlined into a driver, the place would refer to code of the driver's module.
    #[inline(never)]
    #[doc(alias = "dma_pool_create")]
    pub fn new(
        name: &CStr,
        dev: DmaDevice<'bound>,
        size: usize,
        align: usize,
        boundary: usize,
    ) -> Result<Self> {
        if size == 0 || !align.is_power_of_two() {
            return Err(EINVAL);
        }
        let align = align.max(MIN_ALIGN);
        // As the C function does: a free block holds a pointer and its own bus address.
        let whole = size.max(16).checked_next_multiple_of(align).ok_or(E2BIG)?;
        if whole > MAX_SIZE {
            return Err(E2BIG);
        }
        if boundary != 0 && (!boundary.is_power_of_two() || boundary < whole) {
            return Err(EINVAL);
        }
        if !dev.has_coherent_mask() {
            return Err(EIO);
        }
        let place = Place::new_ours(GFP_KERNEL.into())?;
        // SAFETY:
        // - The name ends with a NUL. The device is valid and bound: `dev` borrows it.
        // - `align` is a power of two. `whole`, to which the function rounds `size`, and `align`
        //   are far below 4 GiB, which the function does not check.
        let raw = unsafe {
            ffi::sgdma_dma_pool_create(name.as_char_ptr(), dev.as_raw(), size, align, boundary)
        };
        let raw = NonNull::new(raw).ok_or(ENOMEM)?;
        // INVARIANT:
        // - The pool was just made, for `dev`, and has no blocks. If `Arc::new()` fails, it drops
        //   the value, and with it the pool.
        // - The quarantine is that of the binding of `dev`.
        let pool = Pool {
            raw,
            dev: dev.as_raw(),
            size,
            // SAFETY: The device is valid.
            origin: unsafe { Origin::of(dev.as_raw()) },
            is_flushed: dev.quarantine().is_some(),
            place: Some(place),
        };
        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL)?,
            quarantine: dev.quarantine(),
            _dev: PhantomData,
        })
    }

    /// Allocates a zeroed block: `dma_pool_zalloc()`. For any context if `gfp` is [`GFP_ATOMIC`].
    ///
    /// Sleeps only if `gfp` allows it, and does not make the OOM killer end a process. A pool that
    /// grows where nothing may sleep, for a device without coherent caches, takes from a small
    /// reserve of the kernel's (`coherent_pool=`).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    // Out of line, as `new()` is.
    #[inline(never)]
    #[doc(alias = "dma_pool_alloc")]
    #[doc(alias = "dma_pool_zalloc")]
    pub fn alloc(&self, gfp: Flags) -> Result<PoolBlock<'bound>> {
        let gfp = Gfp::from(gfp);
        let place = Place::new_ours(gfp)?;
        let mut addr = 0;
        // SAFETY: By the invariants of `Pool` the pool is valid. Its device is bound: `self`
        // borrows the binding. `Gfp` holds flags that go together, without `__GFP_COMP`.
        let cpu = unsafe {
            ffi::sgdma_dma_pool_zalloc(self.pool.raw.as_ptr(), gfp.for_coherent(), &mut addr)
        };
        // INVARIANT: The call has returned a zeroed block of `pool`, with this bus address. The
        // block is at a multiple of 8, as `new()` has asked for.
        let block = Block {
            cpu: NonNull::new(cpu.cast()).ok_or(ENOMEM)?,
            addr,
            pool: self.pool.clone(),
        };
        Ok(PoolBlock {
            block: ManuallyDrop::new(place.put(block)),
            quarantine: self.quarantine,
            _dev: PhantomData,
        })
    }
}

/// A block of a [`DmaPool`]: coherent memory for a descriptor or a list of addresses.
///
/// The CPU accesses its bytes by [`Words`], before and after [`submit`](Self::submit). Call
/// `submit` before the device is told the address. A drop gives the block back to its pool, in any
/// context: `dma_pool_free()`.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, DmaPool, DmaTable, InFlight, PoolBlock, SgTable, ToDevice, Words};
/// /// Makes the list of the blocks of a buffer, which the device reads from its bus address on.
/// fn list<'bound>(
///     pool: &DmaPool<'bound>,
///     buffer: &DmaTable,
/// ) -> Result<InFlight<PoolBlock<'bound>>> {
///     let list = pool.alloc(GFP_KERNEL)?;
///     list.fill(0..list.len(), &mut buffer.dma_blocks(4096)?, u64::to_le)?;
///     Ok(list.submit())
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let pool = DmaPool::new(c"lists", dev, 4096, 4096, 0)?;
/// let buffer = SgTable::alloc(8192, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// let list = list(&pool, &buffer)?;
/// assert_eq!(list.read(0), Ok(buffer.dma_blocks(4096)?.next().ok_or(EINVAL)?.to_le()));
/// drop(list.complete());
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - `block` was not moved out.
/// - `quarantine` is that of the binding of the pool's device.
#[must_use = "dropping the block gives it back to the pool"]
pub struct PoolBlock<'bound> {
    block: ManuallyDrop<Placed<Block>>,
    quarantine: Option<&'bound Quarantine>,
    _dev: PhantomData<DmaDevice<'bound>>,
}

// SAFETY: Any task may use and free the block.
unsafe impl Send for PoolBlock<'_> {}
// SAFETY: A shared reference only permits volatile accesses of words, and copies in C, both of
// which any CPU may make at any time.
unsafe impl Sync for PoolBlock<'_> {}

impl PoolBlock<'_> {
    /// Returns the length of the block in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty one cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        self.block.pool.size
    }

    /// Returns the bus address of the first byte. The others follow.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.block.addr
    }

    /// Puts the block in flight, before the device is told its address. Does not sleep.
    ///
    /// Nothing gives the block back to the pool until [`InFlight::complete`] is called. The CPU
    /// still has access to the bytes.
    pub fn submit(self) -> InFlight<Self> {
        InFlight::new(self)
    }
}

// SAFETY:
// - The block is valid as long as `self`, and nobody is given a reference to it.
// - `Piece::of()` returns all `len` bytes.
unsafe impl Memory for PoolBlock<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.block.pool.size
    }

    #[inline]
    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        Piece::of(self.block.cpu.as_ptr(), self.block.pool.size, offset, len)
    }
}

impl Words for PoolBlock<'_> {}

impl Mapping for PoolBlock<'_> {}

impl private::Mapping for PoolBlock<'_> {
    fn epoch(&self) -> u64 {
        self.quarantine.map_or(0, Quarantine::epoch)
    }

    unsafe fn hold(self, epoch: u64) {
        let mut this = ManuallyDrop::new(self);
        let (quarantine, len) = (this.quarantine, this.len());
        // SAFETY: By the type invariants the block was not moved out. `this` is neither used again
        // nor dropped.
        let block = unsafe { ManuallyDrop::take(&mut this.block) };
        let dev = block.pool.dev;
        // SAFETY:
        // - The device is valid and bound: `self` borrows its binding.
        // - By the invariants of `Block` and `Pool` the block was allocated for it.
        // - By the type invariants the quarantine is that of the binding.
        unsafe { block.hold(dev, quarantine, epoch, len) };
    }
}

impl Drop for PoolBlock<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the block was not moved out. A value that is being dropped
        // is not used again.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        // SAFETY:
        // - The device is done with the block, which was not submitted, or is complete.
        // - The device is bound, and has been since the block was allocated: `self` borrows its
        //   binding.
        unsafe { block.into_inner().release() };
    }
}

/// A block of a pool.
///
/// # Invariants
///
/// `dma_pool_zalloc()` has returned `cpu` and `addr`. The block is at a multiple of 8, and belongs
/// to this value until [`Hold::release`].
struct Block {
    cpu: NonNull<u8>,
    addr: DmaAddress,
    pool: Arc<Pool>,
}

// SAFETY: Any task may use the memory that the pointer is to.
unsafe impl Send for Block {}

impl Hold for Block {
    fn is_where_it_was(&self) -> bool {
        let Pool { dev, origin, .. } = *self.pool;
        // If this page of the pool is where it was, then all are: see `Origin`.
        // SAFETY: The device is valid and bound: the quarantine asks for this only while the device
        // is being bound. By the type invariants the block was allocated for it.
        unsafe { origin.is_still_of(dev, self.cpu, self.addr) }
    }

    /// For any context, except that the last block of a pool without a handle ends the pool: then
    /// see the drop of [`Pool`].
    unsafe fn release(self) {
        // SAFETY: By the type invariants the block is one of the pool's and not free. The device
        // does not use it, as the caller promises. `self` is not used again, so the block is freed
        // once.
        unsafe {
            ffi::sgdma_dma_pool_free(self.pool.raw.as_ptr(), self.cpu.as_ptr().cast(), self.addr)
        };
        // The drop of `pool` may end the pool. Its device is bound, as the caller promises.
    }
}

/// A pool, which its handle and its blocks refer to.
///
/// # Invariants
///
/// - `dma_pool_create()` has made `raw` for `dev`, and nobody has destroyed it.
/// - Each block that is not free is in a [`Block`], which refers to the pool, or was forgotten with
///   its reference. So all blocks are free when the value is dropped.
/// - The value is dropped while `dev` is bound, and coherent memory can be freed that was allocated
///   when the pool was made. If `is_flushed`, somebody calls `deferred::flush()` before the device
///   is unbound, after a drop where nothing may sleep.
struct Pool {
    raw: NonNull<bindings::dma_pool>,
    dev: *mut bindings::device,
    /// The length of a block, as it was asked for.
    size: usize,
    origin: Origin,
    /// True if the device has a binding of this library.
    is_flushed: bool,
    /// Taken when the value is dropped.
    place: Option<Place<RawPool>>,
}

// SAFETY: Any task may use the device and the domain that the pointers are to.
unsafe impl Send for Pool {}
// SAFETY: As for `Send`. The functions of a pool lock it.
unsafe impl Sync for Pool {}

impl Drop for Pool {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        // SAFETY:
        // - By the type invariants the device is bound, and the pool's memory can be freed. If
        //   `is_flushed`, somebody waits for the worker.
        // - All blocks are free, so the device is done with them.
        // - `place` was made by `new_ours()`.
        // INVARIANT: By the type invariants nobody has destroyed `raw`. It is not used again.
        unsafe {
            deferred::free(
                self.dev,
                self.is_flushed,
                self.size,
                place.put(RawPool(self.raw)),
            )
        };
    }
}

/// The rest of a [`Pool`] that has ended.
///
/// # Invariants
///
/// `dma_pool_create()` has made the pool, and nobody has destroyed it. All of its blocks are free.
struct RawPool(NonNull<bindings::dma_pool>);

// SAFETY: Any task may use or end a pool.
unsafe impl Send for RawPool {}

impl Hold for RawPool {
    /// A pool is not put into quarantine; its blocks are.
    fn is_where_it_was(&self) -> bool {
        false
    }

    unsafe fn release(self) {
        // SAFETY:
        // - By the type invariants the pool is valid, and all blocks are free.
        // - The device is bound, and the memory as it was when the pool was made.
        // - This may sleep. `self` is not used again, so the pool is destroyed once.
        unsafe { ffi::sgdma_dma_pool_destroy(self.0.as_ptr()) };
    }
}
