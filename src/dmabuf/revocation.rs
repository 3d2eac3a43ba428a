// SPDX-License-Identifier: GPL-2.0

//! The call by which an exporter takes a buffer back.

use crate::{
    ffi,
    lifecycle::work_ref::WorkRef, //
};
use kernel::sync::atomic::{
    Acquire,
    Atomic,
    Release, //
};

/// The importer's part of an attachment: `attachment->importer_priv`.
pub(super) struct Revocation {
    revoked: Atomic<bool>,
    /// The work item in which the driver gives the buffer back.
    work: WorkRef,
}

impl Revocation {
    pub(super) fn new(work: WorkRef) -> Self {
        Self {
            revoked: Atomic::new(false),
            work,
        }
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Acquire)
    }

    pub(super) fn as_raw(&self) -> *mut ffi::sgdma_revocation {
        // CAST: For C the type is opaque.
        core::ptr::from_ref(self).cast_mut().cast()
    }
}

// The functions that C calls are what the header declares.
const _: [unsafe extern "C" fn(*mut ffi::sgdma_revocation); 2] =
    [ffi::sgdma_dma_buf_revoked, sgdma_dma_buf_revoked];
const _: [unsafe extern "C" fn(*const ffi::sgdma_revocation) -> bool; 2] = [
    ffi::sgdma_dma_buf_revocation_is_live,
    sgdma_dma_buf_revocation_is_live,
];

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `revocation` is valid, and comes from [`Revocation::as_raw`].
#[no_mangle]
unsafe extern "C" fn sgdma_dma_buf_revoked(revocation: *mut ffi::sgdma_revocation) {
    // SAFETY: The caller promises a valid `Revocation`, of which there are only shared references.
    let revocation = unsafe { &*revocation.cast::<Revocation>() };
    // The flag comes first: the work item looks for it.
    revocation.revoked.store(true, Release);
    revocation.work.queue();
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `revocation` is valid, and comes from [`Revocation::as_raw`].
#[no_mangle]
unsafe extern "C" fn sgdma_dma_buf_revocation_is_live(
    revocation: *const ffi::sgdma_revocation,
) -> bool {
    // SAFETY: The caller promises a valid `Revocation`, of which there are only shared references.
    unsafe { &*revocation.cast::<Revocation>() }.work.is_live()
}
