// SPDX-License-Identifier: GPL-2.0

//! Deferred drops: buffers that are dropped where nothing may sleep, and that a worker frees.
//!
//! An interrupt handler completes buffers, and may drop them. Unmapping a table does not sleep, but
//! unpinning user memory does, and so do freeing coherent memory, ending a pool and unmapping a
//! dma-buf. Freeing much memory takes long. A buffer's place, which was allocated with it for the
//! quarantine, also serves for the queue of the worker. So deferring a drop neither allocates nor
//! sleeps.
//!
//! Only buffers that code of this module frees are deferred. The module waits for the worker before
//! it is unloaded. A [`PageOwner`](crate::PageOwner) is dropped where the driver drops the buffer.
//!
//! Tables are not mapped any more. Coherent memory, pools and the mappings of dma-bufs still belong
//! to their device, and are deferred only within a binding of this library: its end waits for the
//! worker while the device is bound, after all that could be dropped was.
//!
//! Not every kernel can tell that a task holds a plain spinlock: see `deferred.c`. Each kernel can
//! tell that a task holds an [`IrqLock`](crate::IrqLock), because interrupts are off then, or the
//! task is in a read-side section of RCU.

use crate::{
    ffi,
    lifecycle::quarantine::{
        release_deferred,
        Hold,
        List,
        Placed, //
    }, //
};
use kernel::bindings;

/// The buffers that the worker is to free.
static DEFERRED: List = List::new();

/// Returns true if the caller may sleep, as far as the kernel can tell. For any context.
pub(crate) fn may_sleep() -> bool {
    // SAFETY: The function only reads the state of this CPU.
    unsafe { ffi::sgdma_may_sleep() }
}

/// Hands `buffer` to the worker, which drops it. For any context.
///
/// # Safety
///
/// - The buffer is not mapped for any device. Or its device will not access it any more, was bound
///   all the time since it was mapped, and stays bound until somebody has called [`flush`] later.
/// - [`Placed::is_ours`] is true for it.
// Not inlined: the callers are generic, and the case is rare.
#[inline(never)]
pub(crate) unsafe fn drop_later<T>(buffer: Placed<T>) {
    // SAFETY: The place is this module's, so it was made with its `release`, for a `T` that is
    // `Hold` and with that `Send`. If the buffer is mapped, the worker needs only what the caller
    // promises of its device.
    DEFERRED.push(unsafe { buffer.into_entry() });
    // SAFETY: The module is loaded: this is its code, and it waits for the worker before it goes.
    unsafe { ffi::sgdma_kick_deferred() };
}

/// Frees `memory`, now or, if nothing may sleep here, by a worker. For any context.
///
/// Unless `is_flushed`, `memory` is kept for ever if nothing may sleep here: nobody would wait for
/// the worker before the device is unbound.
///
/// # Safety
///
/// - `dev` is valid and bound. It has been since `memory` was allocated for it, or `memory` is
///   where it was.
/// - If `is_flushed`, `dev` stays bound until somebody has called [`flush`] later.
/// - `dev` will not access `memory` any more.
/// - [`Placed::is_ours`] is true for `memory`.
pub(crate) unsafe fn free<T: Hold>(
    dev: *mut bindings::device,
    is_flushed: bool,
    len: usize,
    memory: Placed<T>,
) {
    if may_sleep() {
        // SAFETY: The caller promises all of it.
        unsafe { memory.into_inner().release() };
    } else if is_flushed {
        // SAFETY: The caller promises all of it.
        unsafe { drop_later(memory) };
    } else {
        // SAFETY: The caller promises a device that is valid and bound, and that it has `memory`.
        unsafe { memory.hold(dev, None, 0, len) };
    }
}

/// Waits until all that was deferred before is freed. May sleep.
pub(crate) fn flush() {
    // SAFETY: The module is loaded: this is its code.
    unsafe { ffi::sgdma_flush_deferred() };
}

const _: [unsafe extern "C" fn(); 2] = [ffi::sgdma_free_deferred, sgdma_free_deferred];

/// Frees all that was deferred. May sleep.
///
/// Documented in `deferred.h`.
#[no_mangle]
extern "C" fn sgdma_free_deferred() {
    for entry in DEFERRED.take() {
        // SAFETY: The entry was taken off the list, so it belongs to this function. It is not
        // used after the call: the iterator has read `next` before. The buffer is not mapped, or
        // its device is bound and done with it, as the caller of `drop_later()` has promised:
        // `flush()` returns only after this.
        unsafe { release_deferred(entry) };
    }
}
