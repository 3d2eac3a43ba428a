// SPDX-License-Identifier: GPL-2.0

//! The gate between those who may come at any time and what exists only while a device is bound.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h)
//!
//! An open file lives as long as its process likes; a binding ends when the administrator says so.
//! Whoever passes the gate may sleep inside, and closing it waits for all who are inside. It is
//! built on SRCU, as `drm_dev_enter()` is, and not on a reader-writer lock: somebody waiting to
//! close must not stop others at the entry, who may hold what those inside are waiting for.

use crate::{
    ffi,
    unbinding::Unbinding, //
};
use core::ffi::c_void;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::Arc,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// A `struct srcu_struct`.
#[pin_data(PinnedDrop)]
struct Srcu {
    #[pin]
    inner: Opaque<bindings::srcu_struct>,
}

// SAFETY: SRCU is made for use and destruction from any task.
unsafe impl Send for Srcu {}
// SAFETY: As for `Send`.
unsafe impl Sync for Srcu {}

impl Srcu {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(|slot| {
                // SAFETY: `slot` is valid for writing and stays where it is.
                to_result(unsafe { ffi::sgdma_init_srcu_struct(slot) })
            }),
        })
    }

    fn read(&self) -> SrcuReader<'_> {
        SrcuReader {
            // SAFETY: `inner` is initialised.
            idx: unsafe { ffi::sgdma_srcu_read_lock(self.inner.get()) },
            srcu: self,
            _task: NotThreadSafe,
        }
    }

    fn synchronize(&self) {
        // SAFETY: `inner` is initialised.
        unsafe { bindings::synchronize_srcu(self.inner.get()) };
    }
}

#[pinned_drop]
impl PinnedDrop for Srcu {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `inner` is initialised, nobody is inside, as a reader borrows it, and no grace
        // period is under way: `synchronize()` borrows it too, and there are no callbacks.
        unsafe { bindings::cleanup_srcu_struct(self.inner.get()) };
    }
}

/// A read-side critical section of an [`Srcu`].
struct SrcuReader<'a> {
    srcu: &'a Srcu,
    idx: c_int,
    /// The task that locked must unlock.
    _task: NotThreadSafe,
}

impl Drop for SrcuReader<'_> {
    fn drop(&mut self) {
        // SAFETY: `idx` is what locking this `srcu` gave, in this task.
        unsafe { ffi::sgdma_srcu_read_unlock(self.srcu.inner.get(), self.idx) };
    }
}

/// A gate in front of one object, which is there until unbinding begins and nobody is inside.
///
/// # Invariants
///
/// Until unbinding has begun, and after that until an SRCU grace period is over, `target` points to
/// the object that was given to [`Gate::new`].
#[pin_data]
pub(crate) struct Gate {
    #[pin]
    srcu: Srcu,
    unbinding: Arc<Unbinding>,
    target: *const c_void,
}

// SAFETY: What `target` points to is reached only through `unsafe` methods, whose callers answer
// for it.
unsafe impl Send for Gate {}
// SAFETY: As for `Send`.
unsafe impl Sync for Gate {}

impl Gate {
    /// A gate that lets in until `unbinding` has begun.
    ///
    /// # Safety
    ///
    /// `target` stays valid, and shared, until [`close`](Self::close) has returned.
    pub(crate) unsafe fn new(
        unbinding: Arc<Unbinding>,
        target: *const c_void,
    ) -> impl PinInit<Self, Error> {
        // INVARIANT: The caller promises a valid target until `close()` has returned, which has
        // unbinding begin and waits for the grace period.
        try_pin_init!(Self {
            srcu <- Srcu::new(),
            unbinding,
            target,
        })
    }

    /// Has unbinding begin, if it has not, and waits until nobody is inside. May sleep.
    pub(crate) fn close(&self) {
        self.unbinding.begin();
        // Orders that: a reader that misses it is one the grace period waits for.
        self.srcu.synchronize();
    }

    /// Whether nobody is let in any more.
    pub(crate) fn is_shut(&self) -> bool {
        self.unbinding.has_begun()
    }

    /// Passes the gate; `None` if it is shut. Does not sleep; the guard's holder may.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let reader = self.srcu.read();
        if self.is_shut() {
            return None;
        }
        // INVARIANT: The gate was open when we were a reader already.
        Some(Inside {
            target: self.target,
            _reader: reader,
        })
    }
}

/// Somebody inside a [`Gate`]; dropping it leaves.
///
/// # Invariants
///
/// `target` is what [`Gate::new`] was given, and valid.
pub(crate) struct Inside<'a> {
    target: *const c_void,
    _reader: SrcuReader<'a>,
}

impl Inside<'_> {
    /// What [`Gate::new`] was given; valid as long as `self`.
    pub(crate) fn target(&self) -> *const c_void {
        self.target
    }
}
