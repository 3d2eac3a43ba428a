// SPDX-License-Identifier: GPL-2.0

//! Allocation flags that suit tables.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)
//!
//! A table allocates pages, a list of entries, and a place in a quarantine. The caller's flags are
//! for all of these. [`Gfp`] changes the flags in two ways:
//!
//! - It leaves out flags that make no sense for pages, which the allocator would warn of.
//! - It adds `__GFP_RETRY_MAYFAIL`: a large request then fails before the OOM killer ends a
//!   process. A plain `GFP_KERNEL` would let the OOM killer do so.

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

/// Makes an allocation try hard, and fail before the OOM killer ends a process.
///
/// The library adds it to all flags that allow sleeping, unless they have [`__GFP_NORETRY`]. A
/// caller need not give it.
pub const __GFP_RETRY_MAYFAIL: Flags = flags(1 << bindings::___GFP_RETRY_MAYFAIL_BIT);

/// Makes an allocation fail as soon as a little reclaim has not helped.
///
/// It suits a caller that has an alternative:
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SgTable, __GFP_NORETRY};
/// /// Allocates large blocks if some are free now, and single pages otherwise.
/// fn table(dev: DmaDevice<'_>) -> Result<SgTable> {
///     SgTable::alloc_blocks(16 << 20, 9, dev, GFP_KERNEL | __GFP_NORETRY)
///         .or_else(|_| SgTable::alloc(16 << 20, dev, GFP_KERNEL))
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// assert_eq!(table(dev)?.len(), 16 << 20);
/// # Ok(())
/// # }
/// ```
pub const __GFP_NORETRY: Flags = flags(1 << bindings::___GFP_NORETRY_BIT);

/// The largest number of pages that is allocated without a look at how many are available.
const FEW: usize = 16;

/// The number of pages that are allocated between two looks at signals.
const BATCH: usize = 256;

/// Allocation flags of a caller, reduced to those that suit a table.
///
/// # Invariants
///
/// - `__GFP_COMP` is not set: blocks of pages are not compound, so that they can be split.
/// - If the flags allow sleeping, `__GFP_RETRY_MAYFAIL` or `__GFP_NORETRY` is set: no allocation
///   with these flags makes the OOM killer end a process.
#[derive(Clone, Copy)]
pub(crate) struct Gfp(Flags);

impl From<Flags> for Gfp {
    fn from(flags: Flags) -> Self {
        let suitable = flags
            & (GFP_KERNEL_ACCOUNT
                | GFP_ATOMIC
                | GFP_NOWAIT
                | __GFP_NOWARN
                | __GFP_HIGHMEM
                | __GFP_RETRY_MAYFAIL
                | __GFP_NORETRY);
        // INVARIANT:
        // - `__GFP_COMP` is in none of the flags above.
        // - If the flags allow sleeping and lack `__GFP_NORETRY`, `__GFP_RETRY_MAYFAIL` is added.
        if suitable.contains(__GFP_NORETRY) || !Self(suitable).may_sleep() {
            Self(suitable)
        } else {
            Self(suitable | __GFP_RETRY_MAYFAIL)
        }
    }
}

impl Gfp {
    /// Returns `true` if an allocation with these flags may sleep.
    fn may_sleep(self) -> bool {
        self.0
            .contains(flags(1 << bindings::___GFP_DIRECT_RECLAIM_BIT))
    }

    /// Checks that the system can spare `nr_pages` pages.
    ///
    /// If it cannot, the next allocation of another task would make the OOM killer end a process.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if fewer pages than that are available.
    pub(crate) fn check_room_for(self, nr_pages: usize) -> Result {
        // SAFETY: The function only reads counters, and has no requirements.
        if nr_pages > FEW && !unsafe { ffi::sgdma_pages_available(nr_pages) } {
            return Err(ENOMEM);
        }
        Ok(())
    }

    /// Lets other tasks run before the allocation of page number `i`, if these flags allow
    /// sleeping; once for each [`BATCH`] pages.
    ///
    /// # Errors
    ///
    /// `EINTR` if the calling process is being killed.
    pub(crate) fn pause_at(self, i: usize) -> Result {
        if i % BATCH != BATCH - 1 || !self.may_sleep() {
            return Ok(());
        }
        // SAFETY: The function may sleep, and so may the caller: its flags say so.
        to_result(unsafe { ffi::sgdma_pause() })
    }

    /// Returns the flags for the zeroed pages of a buffer.
    pub(crate) fn for_zeroed_pages(self) -> bindings::gfp_t {
        raw(self.0 | __GFP_ZERO)
    }

    /// Returns the flags for zeroed coherent memory. A failure is the caller's to report.
    pub(crate) fn for_coherent(self) -> bindings::gfp_t {
        raw(self.for_rust() | __GFP_ZERO | __GFP_NOWARN)
    }

    /// Returns the flags for boxes and vectors of the kernel crate.
    ///
    /// High memory has no address of its own, so these must not come from there.
    pub(crate) fn for_rust(self) -> Flags {
        self.0 & !__GFP_HIGHMEM
    }

    /// Returns the flags for a list of entries, which the kernel accesses by address.
    pub(crate) fn for_lists(self) -> bindings::gfp_t {
        raw(self.for_rust())
    }
}

/// Returns the C API's `gfp_t` of `flags`. The kernel crate's own conversion is private.
fn raw(flags: Flags) -> bindings::gfp_t {
    // SAFETY: The one field of `Flags` is a `gfp_t`. Both types have the same size, or this does
    // not compile, so `Flags` has no padding that would be read here.
    unsafe { core::mem::transmute::<Flags, bindings::gfp_t>(flags) }
}

/// Makes flags of a `gfp_t`, for flags that the kernel crate has no constant for.
const fn flags(gfp: bindings::gfp_t) -> Flags {
    // SAFETY: The one field of `Flags` is a `gfp_t`. Both types have the same size, or this does
    // not compile. Any bits are a valid `gfp_t`.
    unsafe { core::mem::transmute::<bindings::gfp_t, Flags>(gfp) }
}
