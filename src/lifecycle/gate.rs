// SPDX-License-Identifier: GPL-2.0

//! The gate in front of an object that exists only while a device is bound.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h)
//!
//! A process keeps a file open as long as it likes. A binding ends when an administrator ends it.
//! So an operation on an open file must find out if the binding still exists, and the binding must
//! not end while the operation uses it. The gate does both:
//!
//! - [`Gate::enter`] lets an operation in while the binding exists. The operation may sleep inside.
//! - [`Gate::revoke`] lets nobody in any more, and waits until everybody inside has left.
//!
//! The gate is built on SRCU, as `drm_dev_enter()` is. A reader-writer lock would deadlock: a task
//! that waits to revoke would stop newcomers at the entry, and a newcomer may hold a lock that a
//! task inside is waiting for.

use crate::{
    ffi,
    lifecycle::unbinding::Unbinding, //
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

// SAFETY: A `struct srcu_struct` belongs to no task: any task may use it and clean it up.
unsafe impl Send for Srcu {}
// SAFETY: Any number of tasks may call `srcu_read_lock()`, `srcu_read_unlock()` and
// `synchronize_srcu()` at the same time.
unsafe impl Sync for Srcu {}

impl Srcu {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(|slot| {
                // SAFETY: `slot` is valid for writing. `Srcu` is pinned, so `slot` is not moved.
                to_result(unsafe { ffi::sgdma_init_srcu_struct(slot) })
            }),
        })
    }

    /// Enters a read-side critical section: `srcu_read_lock()`. Does not sleep.
    fn read(&self) -> SrcuReader<'_> {
        // INVARIANT: `idx` is what `srcu_read_lock()` on `srcu` returns here. `_task` keeps the
        // value in the current task.
        SrcuReader {
            // SAFETY: `new()` initialised `inner`.
            idx: unsafe { ffi::sgdma_srcu_read_lock(self.inner.get()) },
            srcu: self,
            _task: NotThreadSafe,
        }
    }

    /// Waits for all readers that entered before this call: `synchronize_srcu()`. May sleep.
    fn synchronize(&self) {
        // SAFETY: `new()` initialised `inner`.
        unsafe { bindings::synchronize_srcu(self.inner.get()) };
    }
}

#[pinned_drop]
impl PinnedDrop for Srcu {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY:
        // - `new()` initialised `inner`.
        // - There is no reader: a `SrcuReader` borrows the `Srcu`, which is being dropped.
        // - There is no grace period under way: `synchronize()` borrows the `Srcu` for as long as
        //   the period lasts, and nothing here calls `call_srcu()`.
        unsafe { bindings::cleanup_srcu_struct(self.inner.get()) };
    }
}

/// A read-side critical section of an [`Srcu`]; its drop leaves the section.
///
/// # Invariants
///
/// `srcu_read_lock()` on `srcu` returned `idx` in the task that has this value.
#[must_use = "dropping the reader leaves the critical section at once"]
struct SrcuReader<'a> {
    srcu: &'a Srcu,
    idx: c_int,
    /// `srcu_read_unlock()` must run in the task that called `srcu_read_lock()`.
    _task: NotThreadSafe,
}

impl Drop for SrcuReader<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants `idx` comes from locking this `srcu` in this task. Only
        // this drop unlocks, so `idx` is used once.
        unsafe { ffi::sgdma_srcu_read_unlock(self.srcu.inner.get(), self.idx) };
    }
}

/// A gate in front of one object.
///
/// # Invariants
///
/// `target` points to the object that [`Gate::new`] was given. The object is valid until unbinding
/// has begun and, after that, until one SRCU grace period of `srcu` is over.
#[pin_data]
pub(crate) struct Gate {
    #[pin]
    srcu: Srcu,
    unbinding: Arc<Unbinding>,
    target: *const c_void,
}

// SAFETY: `srcu` and `unbinding` are `Send`. The gate never dereferences `target`. Code that
// dereferences the pointer answers for the access, whichever task runs the code.
unsafe impl Send for Gate {}
// SAFETY: `srcu` and `unbinding` are `Sync`. `target` does not change and is never dereferenced
// here.
unsafe impl Sync for Gate {}

impl Gate {
    /// Creates a gate that is open until `unbinding` has begun. May sleep.
    ///
    /// # Safety
    ///
    /// - `target` is valid until [`revoke`](Self::revoke) has returned.
    /// - Nobody has exclusive access to the object until then.
    pub(crate) unsafe fn new(
        unbinding: Arc<Unbinding>,
        target: *const c_void,
    ) -> impl PinInit<Self, Error> {
        // INVARIANT: The target is valid until unbinding has begun and one grace period is over:
        // the caller promises a valid target until `revoke()` has returned, and `revoke()` returns
        // only after both.
        try_pin_init!(Self {
            srcu <- Srcu::new(),
            unbinding,
            target,
        })
    }

    /// Begins unbinding, if that has not begun, and waits until nobody is inside. May sleep.
    pub(crate) fn revoke(&self) {
        self.unbinding.begin();
        // SRCU orders the flag and the readers. Each reader either sees the flag, or entered before
        // the grace period, which then waits for the reader.
        self.srcu.synchronize();
    }

    /// Returns the state that revokes the gate.
    pub(crate) fn unbinding(&self) -> &Unbinding {
        &self.unbinding
    }

    /// Enters; returns `None` if the gate is revoked. Does not sleep.
    ///
    /// The caller may sleep while it has the guard.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let reader = self.srcu.read();
        if self.unbinding.has_begun() {
            return None;
        }
        // INVARIANT: `target` comes from `Gate::new()`. The flag was not yet set when `reader`
        // existed, so `reader` holds off the end of the grace period. By the invariants of `Gate`
        // the target is valid until then.
        Some(Inside {
            target: self.target,
            _reader: reader,
        })
    }
}

/// A guard that keeps its holder inside a [`Gate`]; its drop leaves.
///
/// # Invariants
///
/// `target` points to the object that [`Gate::new`] was given. The object is valid as long as the
/// guard lives.
#[must_use = "dropping the guard leaves the gate at once"]
pub(crate) struct Inside<'a> {
    target: *const c_void,
    _reader: SrcuReader<'a>,
}

impl Inside<'_> {
    /// Returns the pointer that [`Gate::new`] was given. The object is valid as long as `self`.
    pub(crate) fn target(&self) -> *const c_void {
        self.target
    }
}
