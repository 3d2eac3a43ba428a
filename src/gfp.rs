// SPDX-License-Identifier: GPL-2.0

//! Which of a caller's allocation flags count.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

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
    bindings, //
};

/// A caller's flags, without those that the allocator complains of where they make no sense.
///
/// # Invariants
///
/// None asks for compound pages.
#[derive(Clone, Copy)]
pub(crate) struct Gfp(Flags);

impl From<Flags> for Gfp {
    fn from(flags: Flags) -> Self {
        // INVARIANT: `__GFP_COMP` is in none of them.
        Self(flags & (GFP_KERNEL_ACCOUNT | GFP_ATOMIC | GFP_NOWAIT | __GFP_NOWARN | __GFP_HIGHMEM))
    }
}

impl Gfp {
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
}

/// The C API's `gfp_t`; the kernel crate keeps its own conversion to itself.
fn raw(flags: Flags) -> bindings::gfp_t {
    // SAFETY: `Flags` has one field, the `gfp_t`; being of the same size, which the compiler
    // checks here, it has room for nothing else.
    unsafe { core::mem::transmute::<Flags, bindings::gfp_t>(flags) }
}
