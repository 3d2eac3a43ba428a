// SPDX-License-Identifier: GPL-2.0

//! Which of a caller's allocation flags count.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

use crate::ffi;
use kernel::{
    alloc::{
        flags::{
            __GFP_HIGHMEM,
            __GFP_NOWARN,
            __GFP_ZERO,
            GFP_ATOMIC,
            GFP_KERNEL_ACCOUNT,
            GFP_NOWAIT, //
        },
        Flags, //
    },
    bindings,
    error::to_result,
    prelude::*, //
};

/// Tries hard and gives up rather than have the OOM killer take somebody.
///
/// What the library adds to flags that may sleep; there is no need to give it.
pub const __GFP_RETRY_MAYFAIL: Flags = flags(1 << bindings::___GFP_RETRY_MAYFAIL_BIT);

/// Gives up as soon as a little reclaim has not helped, for callers that have another way.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SgTable, __GFP_NORETRY};
/// /// Large blocks if there are some just now, or else single pages.
/// fn table(dev: DmaDevice<'_>) -> Result<SgTable> {
///     SgTable::alloc_blocks(16 << 20, 9, dev, GFP_KERNEL | __GFP_NORETRY)
///         .or_else(|_| SgTable::alloc(16 << 20, dev, GFP_KERNEL))
/// }
/// ```
pub const __GFP_NORETRY: Flags = flags(1 << bindings::___GFP_NORETRY_BIT);

/// How many pages are allocated without asking whether there are as many.
const FEW: usize = 16;

/// How many pages are allocated between two looks at signals.
const BATCH: usize = 256;

/// A caller's flags, without those that the allocator complains of where they make no sense.
///
/// # Invariants
///
/// None asks for compound pages. Who may sleep for memory has nobody killed for it.
#[derive(Clone, Copy)]
pub(crate) struct Gfp(Flags);

impl From<Flags> for Gfp {
    fn from(flags: Flags) -> Self {
        let taken = flags
            & (GFP_KERNEL_ACCOUNT
                | GFP_ATOMIC
                | GFP_NOWAIT
                | __GFP_NOWARN
                | __GFP_HIGHMEM
                | __GFP_RETRY_MAYFAIL
                | __GFP_NORETRY);
        // INVARIANT: `__GFP_COMP` is in none of them; with either of the two nobody is killed.
        match taken.contains(__GFP_NORETRY) || !Self(taken).may_sleep() {
            true => Self(taken),
            false => Self(taken | __GFP_RETRY_MAYFAIL),
        }
    }
}

impl Gfp {
    fn may_sleep(self) -> bool {
        self.0
            .contains(flags(1 << bindings::___GFP_DIRECT_RECLAIM_BIT))
    }

    /// Refuses what would leave nothing to others: they would be killed for it.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there are not as many pages that could be had.
    pub(crate) fn check_room_for(self, nr_pages: usize) -> Result {
        // SAFETY: Reads counters.
        if nr_pages > FEW && !unsafe { ffi::sgdma_pages_available(nr_pages) } {
            return Err(ENOMEM);
        }
        Ok(())
    }

    /// Lets others run, before page number `i`.
    ///
    /// # Errors
    ///
    /// `EINTR` if the calling process is being killed.
    pub(crate) fn pause_at(self, i: usize) -> Result {
        if i % BATCH != BATCH - 1 || !self.may_sleep() {
            return Ok(());
        }
        // SAFETY: The caller may sleep, as it has said by its flags.
        to_result(unsafe { ffi::sgdma_pause() })
    }

    pub(crate) fn for_zeroed_pages(self) -> bindings::gfp_t {
        raw(self.0 | __GFP_ZERO)
    }

    /// For what Rust allocates.
    pub(crate) fn for_places(self) -> Flags {
        self.0 & !__GFP_HIGHMEM
    }

    /// For what the kernel accesses by its address.
    pub(crate) fn for_lists(self) -> bindings::gfp_t {
        raw(self.0 & !__GFP_HIGHMEM)
    }

    /// For vectors of the kernel crate.
    pub(crate) fn for_vectors(self) -> Flags {
        self.0 & !__GFP_HIGHMEM
    }
}

/// The C API's `gfp_t`; the kernel crate keeps its own conversions to itself.
fn raw(flags: Flags) -> bindings::gfp_t {
    // SAFETY: `Flags` has one field, the `gfp_t`; being of the same size, which the compiler
    // checks here, it has room for nothing else.
    unsafe { core::mem::transmute::<Flags, bindings::gfp_t>(flags) }
}

/// The other way round: some flags that the kernel crate has no name for.
const fn flags(gfp: bindings::gfp_t) -> Flags {
    // SAFETY: As for `raw()`; any bits are a value of the field.
    unsafe { core::mem::transmute::<bindings::gfp_t, Flags>(gfp) }
}
