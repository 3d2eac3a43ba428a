// SPDX-License-Identifier: GPL-2.0

//! Locks that interrupt handlers take too.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::ffi;
use kernel::{
    bindings,
    ffi::{
        c_char,
        c_ulong, //
    },
    sync::lock::{
        spinlock::SpinLockBackend,
        Backend,
        Lock, //
    }, //
};

/// A spinlock that is held with interrupts off: `spin_lock_irqsave()`.
///
/// An interrupt handler may take this lock, and so may all other code. With a
/// [`SpinLock`](kernel::sync::SpinLock) a handler would spin for good if it had interrupted the
/// holder. [`new_irq_lock!`](crate::new_irq_lock) makes an `IrqLock`. A driver that holds several
/// drops the guards in the reverse order of locking, because each guard restores the state of
/// interrupts from before its lock.
///
/// Nothing may sleep while the lock is held. If a table of the library's own or of pinned pages is
/// dropped then, a worker frees the table. But a table of a [`PageOwner`](crate::PageOwner) drops
/// its owner at once, and the drop of a [`ByteBuffer`](crate::ByteBuffer) may sleep.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{new_irq_lock, IrqLock};
/// # fn example() -> Result {
/// let done = KBox::pin_init(new_irq_lock!(0), GFP_KERNEL)?;
/// *done.lock() += 1; // in a handler
/// assert_eq!(*done.lock(), 1); // in a file operation
/// # Ok(())
/// # }
/// ```
#[doc(alias = "spin_lock_irqsave")]
pub type IrqLock<T> = Lock<T, IrqLockBackend>;

/// The [`Backend`] of an [`IrqLock`].
pub struct IrqLockBackend;

// SAFETY: It is a spinlock, which one CPU owns between `lock()` and `unlock()`. `relock()` is the
// default one, which calls `lock()`.
unsafe impl Backend for IrqLockBackend {
    type State = bindings::spinlock_t;
    /// The state of interrupts before the lock was taken.
    type GuardState = c_ulong;

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: The requirements are the same.
        unsafe { SpinLockBackend::init(ptr, name, key) };
    }

    unsafe fn lock(ptr: *mut Self::State) -> c_ulong {
        // SAFETY: `init()` has initialised the lock, as the caller promises.
        unsafe { ffi::sgdma_spin_lock_irqsave(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<c_ulong> {
        let mut flags = 0;
        // SAFETY: `init()` has initialised the lock, as the caller promises. `flags` is valid for
        // writing.
        unsafe { ffi::sgdma_spin_trylock_irqsave(ptr, &mut flags) }.then_some(flags)
    }

    unsafe fn unlock(ptr: *mut Self::State, flags: &c_ulong) {
        // SAFETY: The caller owns the lock, as it promises. `flags` comes from `lock()` or
        // `try_lock()`.
        unsafe { ffi::sgdma_spin_unlock_irqrestore(ptr, *flags) };
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: The requirements are the same.
        unsafe { SpinLockBackend::assert_is_held(ptr) };
    }
}

/// Makes an initialiser of an [`IrqLock`](crate::IrqLock), with a lock class of its own.
#[macro_export]
macro_rules! new_irq_lock {
    ($inner:expr $(, $name:literal)? $(,)?) => {
        $crate::IrqLock::new(
            $inner, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}
