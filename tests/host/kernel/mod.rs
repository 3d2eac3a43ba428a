// SPDX-License-Identifier: GPL-2.0

//! A stand-in for the kernel crate: as much of it as `src/walk` uses.
//!
//! A test on the host names itself `kernel` (`extern crate self as kernel`) and imports these
//! modules into its root. `src/walk` then compiles unchanged.

/// Stands in for `src/base`, which `src/walk` uses, too.
pub mod base {
    pub mod gfp {
        pub struct Gfp;

        impl Gfp {
            pub fn for_lists(self) {}
        }
    }
}

pub mod bindings {
    /// A page structure of the kernel's size: pointers to it leave room for the marks.
    #[repr(C, align(64))]
    pub struct page([u8; 64]);

    #[repr(C)]
    #[derive(Clone, Default)]
    pub struct scatterlist {
        pub page_link: usize,
        pub offset: u32,
        pub length: u32,
        pub dma_address: u64,
        pub dma_length: u32,
        pub dma_flags: u32,
    }

    #[repr(C)]
    pub struct sg_table {
        pub sgl: *mut scatterlist,
        pub nents: u32,
        pub orig_nents: u32,
    }

    impl Default for sg_table {
        fn default() -> Self {
            Self {
                sgl: core::ptr::null_mut(),
                nents: 0,
                orig_nents: 0,
            }
        }
    }

    /// The number of entries in an array, the last of which may be a chain. A small number makes
    /// many chains.
    const ARRAY: usize = 4;

    /// Allocates an array and those that it leads to.
    ///
    /// Each has exactly the size that it needs, so that the checker sees a read behind its end.
    fn array(entries: usize) -> *mut scatterlist {
        let mut this = vec![scatterlist::default(); entries.min(ARRAY)];
        this.last_mut().unwrap().page_link = if entries > ARRAY {
            array(entries - (ARRAY - 1)) as usize | 1
        } else {
            2
        };
        Box::into_raw(this.into_boxed_slice()).cast()
    }

    /// Frees what [`array`] has allocated.
    ///
    /// # Safety
    ///
    /// `array(entries)` has returned `this`, and nobody uses it any more.
    unsafe fn free(this: *mut scatterlist, entries: usize) {
        let this = core::ptr::slice_from_raw_parts_mut(this, entries.min(ARRAY));
        // SAFETY: By the safety requirements, this is the boxed slice that `array()` made, of this
        // length, and this call alone frees it.
        let this = unsafe { Box::from_raw(this) };
        if entries > ARRAY {
            let next = (this[ARRAY - 1].page_link & !1) as *mut scatterlist;
            // SAFETY: `array(entries)` stored the result of `array(entries - (ARRAY - 1))` there.
            unsafe { free(next, entries - (ARRAY - 1)) };
        }
    }

    /// # Safety
    ///
    /// `sgt` is valid for writing, and `orig_nents` is not zero.
    pub unsafe fn sg_alloc_table(sgt: *mut sg_table, orig_nents: u32, _gfp: ()) -> i32 {
        let table = sg_table {
            sgl: array(orig_nents as usize),
            nents: orig_nents,
            orig_nents,
        };
        // SAFETY: By the safety requirements, `sgt` is valid for writing.
        unsafe { *sgt = table };
        0
    }

    /// # Safety
    ///
    /// `sgt` points to a table that [`sg_alloc_table`] has made, and nobody uses its list any more.
    pub unsafe fn sg_free_table(sgt: *mut sg_table) {
        // SAFETY: `sg_alloc_table()` got `sgl` from `array(orig_nents)`, and neither has changed.
        unsafe { free((*sgt).sgl, (*sgt).orig_nents as usize) };
    }
}

pub mod dma {
    pub type DmaAddress = u64;
}

pub mod error {
    pub fn to_result(status: i32) -> crate::prelude::Result {
        assert_eq!(status, 0);
        Ok(())
    }
}

pub mod page {
    pub const PAGE_SHIFT: usize = 4;
    /// A small size, because the models count bytes.
    pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
}

pub mod prelude {
    #[derive(Debug)]
    pub struct Error(i32);
    pub type Result<T = (), E = Error> = core::result::Result<T, E>;
    pub const EINVAL: Error = Error(22);
    pub const ERANGE: Error = Error(34);
}
