// SPDX-License-Identifier: GPL-2.0

//! Measures pieces of code side by side, and prints the time that each has taken.

use crate::generated::{
    bench_measure,
    bench_unit, //
};
use core::{
    ffi::c_void,
    hint::black_box,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    }, //
};
use kernel::{
    fmt,
    prelude::*,
    str::CStrExt, //
};

/// Prints the unit of all measurements.
pub(crate) fn tell_unit() {
    // SAFETY: `bench_unit` is a constant string of this module, which ends with a NUL.
    pr_info!("bench-unit: {}\n", unsafe {
        CStr::from_char_ptr(bench_unit)
    });
}

/// Returns the time that `work` takes, and the value that `work` returns.
pub(crate) fn measure<R, F: FnOnce() -> R>(work: F) -> (u64, R) {
    struct Call<F, R> {
        work: ManuallyDrop<F>,
        result: MaybeUninit<R>,
    }

    /// # Safety
    ///
    /// `data` points to a `Call<F, R>` that nobody else uses and whose `work` was not yet taken.
    unsafe extern "C" fn run<F: FnOnce() -> R, R>(data: *mut c_void) {
        // SAFETY: `data` points to a `Call<F, R>` that nobody else uses, as the caller promises.
        let call = unsafe { &mut *data.cast::<Call<F, R>>() };
        // SAFETY: `work` was not yet taken, as the caller promises, and is not used again.
        let work = unsafe { ManuallyDrop::take(&mut call.work) };
        call.result.write(work());
    }

    let mut call = Call {
        work: ManuallyDrop::new(work),
        result: MaybeUninit::uninit(),
    };
    // SAFETY: `call` is a `Call<F, R>` that only `run` uses meanwhile. `bench_measure` calls `run`
    // just once, before it returns.
    let time = unsafe { bench_measure(Some(run::<F, R>), (&raw mut call).cast()) };
    // SAFETY: `run` was called, and has written the result.
    (time, unsafe { call.result.assume_init() })
}

/// Prints that doing `what` `count` times in the way `way` took `time`.
///
/// Each measurement prints a line of its own. `scripts/bench` takes the median.
pub(crate) fn report(what: impl fmt::Display, way: &str, time: u64, count: usize) {
    // The measurement itself takes time too.
    let empty = measure(|| black_box(())).0;
    let time = time.saturating_sub(empty);
    pr_info!("bench: {} {} {} {}\n", what, way, time, count);
}
