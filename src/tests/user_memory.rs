// SPDX-License-Identifier: GPL-2.0

//! Memory of a process.

use crate::ffi;
use kernel::{
    bindings,
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// Memory of the process that loads the module, which does not know of it.
pub(super) struct UserMemory {
    pub(super) addr: usize,
    len: usize,
}

impl UserMemory {
    /// Maps `len` bytes; returns `None` in a kernel thread, which has no memory of its own.
    pub(super) fn new(len: usize) -> Result<Option<Self>> {
        // SAFETY: Any task may call the function, which returns zero if it is not a process.
        let addr = unsafe { ffi::sgdma_selftest_user_memory(len) };
        if addr == 0 {
            return Ok(None);
        }
        Ok(Some(Self { addr, len }))
    }

    /// Returns `len` bytes from byte `at` on, to be copied.
    pub(super) fn slice(&self, at: usize, len: usize) -> UserSlice {
        UserSlice::new(UserPtr::from_addr(self.addr + at), len)
    }
}

impl Drop for UserMemory {
    fn drop(&mut self) {
        // SAFETY: `new()` has mapped these bytes, and nobody else knows of them.
        unsafe { bindings::vm_munmap(self.addr, self.len) };
    }
}
