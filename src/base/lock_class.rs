// SPDX-License-Identifier: GPL-2.0

//! Lock classes of locks that generic code makes.
//!
//! C header: [`include/linux/lockdep.h`](srctree/include/linux/lockdep.h)
//!
//! The compiler puts generic code into the module that uses it, with a copy of each string. A lock
//! that is made there has the class of this module, and a name of that other module. Lockdep warns
//! if it finds a class with two names, as two drivers would give it.

use core::pin::Pin;
use kernel::{
    prelude::*,
    sync::LockClassKey, //
};

/// The name and the key of a lock class. Both are this module's.
pub(crate) struct LockClass {
    pub(crate) name: &'static CStr,
    pub(crate) key: Pin<&'static LockClassKey>,
}

/// Defines a function that returns a [`LockClass`] of this name.
macro_rules! lock_class {
    ($function:ident, $name:literal) => {
        // Out of line, so that the name is this module's.
        #[inline(never)]
        fn $function() -> $crate::base::lock_class::LockClass {
            $crate::base::lock_class::LockClass {
                name: $name,
                key: kernel::static_lock_class!(),
            }
        }
    };
}
pub(crate) use lock_class;
