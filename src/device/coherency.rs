// SPDX-License-Identifier: GPL-2.0

//! The decision whether a device may share memory with the CPU without any synchronisation.
//!
//! C header: `include/sgdma.h`
//!
//! Streaming mappings are synchronised for two reasons: the hardware does not keep the caches
//! coherent with the device, or the kernel copies ("bounces") memory that the device does not
//! reach. A device is coherent if neither can happen to any whole page of memory. The facts come
//! from `dma_internals.c` and `reach.c`. This file decides, and gives the answer to Rust, to C and
//! to the report in debugfs.

use crate::{
    device::route::DmaRoute,
    ffi, //
};
use kernel::{
    bindings,
    ffi::{
        c_char,
        c_int,
        c_uint, //
    },
    fmt,
    prelude::*,
    str::CStrExt, //
};

/// The synchronisation that streaming mappings of a device need: `enum sgdma_coherency`.
///
/// Its `Display` is one line: what, why, and what to do about it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{dma_streaming_is_coherent, Coherency, DmaDevice};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let coherency = Coherency::of(dev);
/// if coherency != Coherency::Coherent {
///     dev_info!(dev.device(), "copying more than on other machines: {}\n", coherency);
/// }
/// assert_eq!(coherency == Coherency::Coherent, dma_streaming_is_coherent(dev));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coherency {
    /// The device needs no synchronisation: for each whole page of memory that it may map,
    /// `dma_sync_*()` does nothing.
    Coherent,
    /// The hardware does not keep the caches coherent with the device.
    NeedsCacheMaintenance,
    /// Some or all memory is copied elsewhere for the device.
    MayBounce(Bounce),
    /// The device does no DMA.
    NoDma,
    /// The device would be coherent, but the library was loaded with `sync_debug=1`.
    SyncDebug,
}

/// The reason why memory bounces.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bounce, Coherency};
/// /// Returns whether another DMA mask would help.
/// fn is_the_drivers_fault(coherency: Coherency) -> bool {
///     coherency == Coherency::MayBounce(Bounce::Mask)
/// }
///
/// # fn example() -> Result {
/// assert!(is_the_drivers_fault(Coherency::MayBounce(Bounce::Mask)));
/// assert!(!is_the_drivers_fault(Coherency::MayBounce(Bounce::Forced)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounce {
    /// All memory bounces: `swiotlb=force`.
    Forced,
    /// All memory bounces, because the guest's memory is encrypted.
    Encrypted,
    /// All memory bounces, into the pool that the device tree restricts the device to.
    RestrictedPool,
    /// Memory beyond the device's DMA mask bounces.
    Mask,
    /// Memory beyond the reach of the device's bus bounces.
    BusLimit,
    /// The device is untrusted: memory that shares a page of its IOMMU with other memory bounces.
    Untrusted,
    /// The platform maps and synchronises in its own way, as Xen does.
    UnknownDmaOps,
}

/// An answer, with its name for programs and its line for people.
struct Answer {
    coherency: Coherency,
    name: &'static CStr,
    line: &'static CStr,
}

/// Returns the answer to a value of `enum sgdma_coherency`.
///
/// The table below calls it for each value, so a value that is added to the enum does not compile
/// before it has a line here.
const fn answer(value: c_uint) -> Answer {
    use Bounce::*;
    use Coherency::*;
    let (coherency, name, line) = match value {
        ffi::SGDMA_COHERENT => (
            Coherent,
            c"coherent",
            c"coherent: memory can be shared with it without dma_sync",
        ),
        ffi::SGDMA_NEEDS_CACHE_MAINTENANCE => (
            NeedsCacheMaintenance,
            c"needs-cache-maintenance",
            c"not coherent: this platform does not keep caches coherent with it; it needs \
              dma_sync: use map() instead of map_shared()",
        ),
        ffi::SGDMA_BOUNCE_FORCED => (
            MayBounce(Forced),
            c"bounce-forced",
            c"bounces: swiotlb=force copies all it maps; remove that from the kernel command \
              line, or use dma_sync",
        ),
        ffi::SGDMA_BOUNCE_ENCRYPTED => (
            MayBounce(Encrypted),
            c"bounce-encrypted",
            c"bounces: it cannot read this guest's encrypted memory, so all it maps is copied; \
              use dma_sync",
        ),
        ffi::SGDMA_BOUNCE_RESTRICTED_POOL => (
            MayBounce(RestrictedPool),
            c"bounce-restricted-pool",
            c"bounces: its restricted-dma-pool copies all it maps; remove the pool from the device \
              tree, or use dma_sync",
        ),
        ffi::SGDMA_BOUNCE_MASK => (
            MayBounce(Mask),
            c"bounce-mask",
            c"may bounce: its DMA mask does not reach all memory; set a wider DMA mask, put it \
              behind an IOMMU, or use dma_sync",
        ),
        ffi::SGDMA_BOUNCE_BUS_LIMIT => (
            MayBounce(BusLimit),
            c"bounce-bus-limit",
            c"may bounce: its bus does not reach all memory; put it behind an IOMMU, or use \
              dma_sync",
        ),
        ffi::SGDMA_BOUNCE_UNTRUSTED => (
            MayBounce(Untrusted),
            c"bounce-untrusted",
            c"may bounce: it is untrusted, and its IOMMU's pages are larger than the CPU's; use \
              dma_sync",
        ),
        ffi::SGDMA_UNKNOWN_DMA_OPS => (
            MayBounce(UnknownDmaOps),
            c"unknown-dma-ops",
            c"not coherent: this platform (Xen, for one) maps and synchronises in its own way; \
              it needs dma_sync",
        ),
        ffi::SGDMA_NO_DMA => (
            NoDma,
            c"no-dma",
            c"no DMA: it has no DMA mask, or the platform lets it map nothing; set a DMA mask \
              first",
        ),
        ffi::SGDMA_SYNC_DEBUG => (
            SyncDebug,
            c"sync-debug",
            c"sync_debug=1 has every mapping behave as on a platform without coherent caches; \
              load sgdma without it, or use dma_sync",
        ),
        _ => panic!("a value of enum sgdma_coherency has no answer"),
    };
    Answer {
        coherency,
        name,
        line,
    }
}

/// All answers. The index is the value of `enum sgdma_coherency`.
static ANSWERS: [Answer; ffi::SGDMA_COHERENCY_VALUES.len()] = {
    const NONE: Answer = answer(ffi::SGDMA_COHERENT);
    let mut answers = [NONE; ffi::SGDMA_COHERENCY_VALUES.len()];
    let mut i = 0;
    while i < answers.len() {
        assert!(ffi::SGDMA_COHERENCY_VALUES[i] as usize == i);
        answers[i] = answer(i as c_uint);
        i += 1;
    }
    answers
};

impl Coherency {
    /// Returns the coherency of `dev`, which may be null. Does not sleep.
    ///
    /// # Safety
    ///
    /// `dev` is null or valid. Nobody sets its DMA mask during the call.
    pub(crate) unsafe fn of_raw(dev: *mut bindings::device) -> Self {
        // SAFETY: A device that is not null is valid, and so is the mask that it points to.
        let mask = unsafe {
            if dev.is_null() || (*dev).dma_mask.is_null() {
                0
            } else {
                *(*dev).dma_mask
            }
        };
        if mask == 0 {
            return Self::NoDma;
        }
        // SAFETY: The device is valid and has a mask. The functions called here only read the state
        // of the device.
        unsafe {
            let route = DmaRoute::of(dev);
            if route == DmaRoute::Ops {
                if ffi::sgdma_firmware_denies_dma(dev) {
                    return Self::NoDma;
                }
                if ffi::sgdma_ops_synchronise(dev) {
                    return Self::MayBounce(Bounce::UnknownDmaOps);
                }
            }
            if !ffi::sgdma_has_coherent_caches(dev) {
                return Self::NeedsCacheMaintenance;
            }
            // Nothing bounces in a domain, and nothing that the DMA API maps is in it.
            if route == DmaRoute::Domain {
                return Self::Coherent;
            }
            if route == DmaRoute::Iommu && ffi::sgdma_bounces_partial_pages(dev) {
                return Self::MayBounce(Bounce::Untrusted);
            }
            if route == DmaRoute::Direct && ffi::sgdma_bounces_all(dev) {
                return Self::MayBounce(if ffi::sgdma_has_restricted_pool(dev) {
                    Bounce::RestrictedPool
                } else if ffi::sgdma_memory_is_encrypted() {
                    Bounce::Encrypted
                } else {
                    Bounce::Forced
                });
            }
            if !ffi::sgdma_reaches_all(dev) {
                let limit = (*dev).bus_dma_limit;
                return Self::MayBounce(if limit != 0 && limit <= mask {
                    Bounce::BusLimit
                } else {
                    Bounce::Mask
                });
            }
            // Checked last, so that `sync_debug=1` hides no other reason.
            if ffi::sgdma_sync_debug() {
                return Self::SyncDebug;
            }
        }
        Self::Coherent
    }

    /// Returns the value of `enum sgdma_coherency`.
    fn value(self) -> usize {
        // Each coherency has an answer: a self-test goes through all of them.
        ANSWERS
            .iter()
            .position(|answer| answer.coherency == self)
            .unwrap_or(ffi::SGDMA_UNKNOWN_DMA_OPS as usize)
    }

    /// Returns the coherency of each value of `enum sgdma_coherency`.
    #[cfg(sgdma_selftests)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ANSWERS.iter().map(|answer| answer.coherency)
    }
}

impl fmt::Display for Coherency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(ANSWERS[self.value()].line, f)
    }
}

// What follows is `include/sgdma.h`'s. Each function is what that header declares.

const _: [unsafe extern "C" fn(*mut bindings::device) -> c_uint; 2] =
    [ffi::sgdma_coherency, sgdma_coherency];
const _: [unsafe extern "C" fn(*mut bindings::device) -> bool; 2] =
    [ffi::dma_streaming_is_coherent, dma_streaming_is_coherent];
const _: [unsafe extern "C" fn(*const *mut bindings::device, c_uint) -> c_int; 2] =
    [ffi::sgdma_first_incoherent, sgdma_first_incoherent];
const _: [unsafe extern "C" fn(c_uint) -> *const c_char; 2] =
    [ffi::sgdma_coherency_name, sgdma_coherency_name];
const _: [unsafe extern "C" fn(c_uint) -> *const c_char; 2] =
    [ffi::sgdma_coherency_string, sgdma_coherency_string];

/// Returns the coherency of `dev` as a value of `enum sgdma_coherency`.
///
/// Documented in `include/sgdma.h`.
///
/// # Safety
///
/// As for [`Coherency::of_raw`].
#[no_mangle]
unsafe extern "C" fn sgdma_coherency(dev: *mut bindings::device) -> c_uint {
    // SAFETY: The requirements are the same.
    unsafe { Coherency::of_raw(dev) }.value() as c_uint
}

/// Returns true if `dev` is coherent.
///
/// Documented in `include/sgdma.h`.
///
/// # Safety
///
/// As for [`Coherency::of_raw`].
#[no_mangle]
unsafe extern "C" fn dma_streaming_is_coherent(dev: *mut bindings::device) -> bool {
    // SAFETY: The requirements are the same.
    unsafe { Coherency::of_raw(dev) == Coherency::Coherent }
}

/// Returns the index of the first device that is not coherent, or -1.
///
/// Documented in `include/sgdma.h`.
///
/// # Safety
///
/// `devs` points to `count` devices, for each of which the requirements of [`Coherency::of_raw`]
/// hold.
#[no_mangle]
unsafe extern "C" fn sgdma_first_incoherent(
    devs: *const *mut bindings::device,
    count: c_uint,
) -> c_int {
    (0..count as usize)
        // SAFETY: `i` is less than `count`, so it is the index of a device.
        .position(|i| unsafe { Coherency::of_raw(*devs.add(i)) } != Coherency::Coherent)
        .map_or(-1, |i| i as c_int)
}

/// Returns the name of a coherency for programs.
///
/// Documented in `include/sgdma.h`.
#[no_mangle]
extern "C" fn sgdma_coherency_name(coherency: c_uint) -> *const c_char {
    let answer = ANSWERS.get(coherency as usize);
    answer.map_or(c"?", |answer| answer.name).as_char_ptr()
}

/// Returns the line of a coherency for people.
///
/// Documented in `include/sgdma.h`.
#[no_mangle]
extern "C" fn sgdma_coherency_string(coherency: c_uint) -> *const c_char {
    let answer = ANSWERS.get(coherency as usize);
    answer
        .map_or(c"unknown: no value of enum sgdma_coherency", |answer| {
            answer.line
        })
        .as_char_ptr()
}
