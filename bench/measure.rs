// SPDX-License-Identifier: GPL-2.0

//! Measures pieces of code side by side, and prints what each took in all.

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

/// Tells what is measured in.
pub(crate) fn tell_unit() {
    // SAFETY: A string that is there as long as this module.
    pr_info!("bench-unit: {}\n", unsafe {
        CStr::from_char_ptr(bench_unit)
    });
}

/// How long `work` takes, and what it returns.
pub(crate) fn measure<R, F: FnOnce() -> R>(work: F) -> (u64, R) {
    struct Call<F, R> {
        work: ManuallyDrop<F>,
        result: MaybeUninit<R>,
    }

    /// # Safety
    ///
    /// `data` points to a `Call<F, R>` that nobody else uses, whose `work` was not yet called.
    unsafe extern "C" fn run<F: FnOnce() -> R, R>(data: *mut c_void) {
        // SAFETY: The caller promises it.
        let call = unsafe { &mut *data.cast::<Call<F, R>>() };
        // SAFETY: It is taken once, here.
        let work = unsafe { ManuallyDrop::take(&mut call.work) };
        call.result.write(work());
    }

    let mut call = Call {
        work: ManuallyDrop::new(work),
        result: MaybeUninit::uninit(),
    };
    // SAFETY: `run` is given the data it is for, and is called just once before this returns.
    let time = unsafe { bench_measure(Some(run::<F, R>), (&raw mut call).cast()) };
    // SAFETY: `run` has written it.
    (time, unsafe { call.result.assume_init() })
}

/// Prints how long it took to do `what` `count` times in the way of that name.
///
/// One line for each time it is measured; who reads them takes the median.
pub(crate) fn report(what: impl fmt::Display, way: &str, time: u64, count: usize) {
    // Measuring takes time, too.
    let empty = measure(|| black_box(())).0;
    let time = time.saturating_sub(empty);
    pr_info!("bench: {} {} {} {}\n", what, way, time, count);
}
