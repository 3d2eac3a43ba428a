// SPDX-License-Identifier: GPL-2.0

//! Dropping the guard of an `IrqLock` in another task, whose interrupts it would restore.

use kernel::sync::lock::Guard;
use sgdma::*;

fn send<T: Send>(_: T) {}

fn f(lock: &IrqLock<u32>) {
    let guard: Guard<'_, u32, IrqLockBackend> = lock.lock();
    send(guard);
}
