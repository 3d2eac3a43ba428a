// SPDX-License-Identifier: GPL-2.0

//! Quarantine: keeps the buffers that a driver dropped while the device might still access them.
//!
//! A buffer in quarantine stays allocated and mapped, so that nobody else gets its memory or its
//! bus addresses. The quarantine releases the buffer once the device is known to be done with it:
//! the driver says that the device was reset, or the binding ends with a device that is quiet, was
//! reset, or is gone.
//!
//! **Places.** A buffer is made in its [`Place`], and is a [`Placed`] value all its life. Moving
//! the buffer into quarantine only pushes that place onto a lock-free list. So a buffer may be
//! dropped in any context: the drop neither allocates nor sleeps.
//!
//! **Epochs.** A [`Quarantine`] counts resets. A buffer records the count when it is submitted: its
//! *epoch*. A reset begins a new epoch and, once done, releases the buffers of earlier epochs.
//!
//! **Orphans.** A buffer that the device may still access when the binding ends is an orphan. The
//! orphans of all devices are on one list, [`ORPHANS`]. A later binding of the device releases its
//! orphans after a reset. An orphan holds references to its device, to this module, and to the
//! driver's module if that module has the code that releases the buffer.

use crate::{
    base::{
        gfp::Gfp,
        lock_class::lock_class, //
    },
    ffi, //
};
use core::{
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Mutex, //
    },
    ThisModule, //
};

/// A mapped buffer that a quarantine can hold.
pub(crate) trait Hold: Send + 'static {
    /// Returns true if the buffer is still mapped as it was when it went into quarantine.
    ///
    /// Another driver may have had the device since, and may have changed how the device is mapped.
    fn is_where_it_was(&self) -> bool;

    /// Unmaps and frees the buffer. May sleep.
    ///
    /// # Safety
    ///
    /// If the buffer is mapped:
    ///
    /// - The device will not access the buffer any more.
    /// - The device is bound.
    /// - The device has stayed bound since the buffer was mapped, or
    ///   [`is_where_it_was`](Self::is_where_it_was) has just returned true.
    unsafe fn release(self);
}

/// A function that releases the buffer of an entry: [`release::<T>`].
type ReleaseFn = unsafe fn(NonNull<Entry>, bool) -> bool;

/// The part of a held buffer that does not depend on the buffer's type.
///
/// # Invariants
///
/// Of each entry that is on a list:
///
/// - The entry is the first field of a [`Held<T>`] that was allocated as a `KBox`.
/// - The `what` of that `Held<T>` is initialised.
/// - `release` is [`release::<T>`].
/// - If the buffer is mapped, `dev` is the device that it is mapped for.
pub(super) struct Entry {
    next: *mut Entry,
    release: Option<ReleaseFn>,
    /// True if `release`, with all that it calls, is code of this module and not of the driver's.
    ours: bool,
    /// The module that has the code of `release`. Only an orphan has it, with a reference to that
    /// module; `None` if the module could not be referenced.
    module: Option<*mut bindings::module>,
    /// The number of resets that had begun when the buffer was submitted.
    epoch: u64,
    dev: *mut bindings::device,
    /// The length of the buffer in bytes, for the log and the counters.
    len: usize,
}

/// An entry and the room for its buffer, a `T`.
// `repr(C)`: the entry is at the start, so a pointer to the entry is one to the `Held<T>`.
#[repr(C)]
struct Held<T> {
    entry: Entry,
    what: MaybeUninit<T>,
}

/// A reserved place in a quarantine, for one `T`.
///
/// # Invariants
///
/// `what` of the `Held<T>` is uninitialised, and the entry is on no list.
pub(crate) struct Place<T>(KBox<Held<T>>);

// SAFETY: By the type invariants the place has no `T` in it. The pointers of the entry are null.
unsafe impl<T> Send for Place<T> {}
// SAFETY: A shared reference to a `Place` gives no access to what is in it.
unsafe impl<T> Sync for Place<T> {}

impl<T> Place<T> {
    fn alloc(gfp: Gfp, release: Option<ReleaseFn>) -> Result<Self> {
        // INVARIANT: `what` is uninitialised, and the new entry is on no list.
        Ok(Self(KBox::new(
            Held {
                entry: Entry {
                    next: core::ptr::null_mut(),
                    release,
                    ours: release.is_some(),
                    module: None,
                    epoch: 0,
                    dev: core::ptr::null_mut(),
                    len: 0,
                },
                what: MaybeUninit::uninit(),
            },
            gfp.for_rust(),
        )?))
    }

    /// Allocates a place. Sleeps only if `gfp` allows it.
    ///
    /// The driver's module has the code that releases the buffer, so an orphan keeps that module
    /// loaded.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub(crate) fn new(gfp: Gfp) -> Result<Self> {
        Self::alloc(gfp, None)
    }

    /// Allocates a place for a `T` that code of this module releases. Sleeps only if `gfp` allows
    /// it.
    ///
    /// The driver's module may be unloaded while the buffer is held. For that the caller must not
    /// be generic: the compiler puts an instance of a generic function into the module that uses
    /// it.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub(crate) fn new_ours(gfp: Gfp) -> Result<Self>
    where
        T: Hold,
    {
        Self::alloc(gfp, Some(release::<T>))
    }

    /// Puts `what` into the place.
    #[inline]
    pub(crate) fn put(self, what: T) -> Placed<T> {
        let mut held = self.0;
        held.what.write(what);
        // INVARIANT: `what` was just written. By the invariants of `Place` the entry is on no list.
        Placed(ManuallyDrop::new(held))
    }
}

/// A `T` in its place in a quarantine. It derefs to the `T`; a drop drops that.
///
/// # Invariants
///
/// `what` of the `Held<T>` is initialised, and the entry is on no list. The box was not moved out.
pub(crate) struct Placed<T>(ManuallyDrop<KBox<Held<T>>>);

// SAFETY: A `Placed` owns its `T`. The pointers of the entry are null, or to a device and a module,
// which any task may use.
unsafe impl<T: Send> Send for Placed<T> {}
// SAFETY: A shared reference to a `Placed` gives access to the `T` only.
unsafe impl<T: Sync> Sync for Placed<T> {}

impl<T> Deref for Placed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants `what` is initialised.
        unsafe { self.0.what.assume_init_ref() }
    }
}

impl<T> DerefMut for Placed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants `what` is initialised.
        unsafe { self.0.what.assume_init_mut() }
    }
}

impl<T> Drop for Placed<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the box was not moved out, and its `what` is initialised.
        // A value that is being dropped is not used again, so both are dropped once.
        unsafe {
            let mut held = ManuallyDrop::take(&mut self.0);
            held.what.assume_init_drop();
        }
    }
}

impl<T> Placed<T> {
    /// Returns the box, whose `what` is initialised.
    fn into_box(self) -> KBox<Held<T>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants the box was not moved out. `this` is neither used again
        // nor dropped.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }

    /// Returns the `T`, and frees its place.
    pub(crate) fn into_inner(self) -> T {
        let held = self.into_box();
        // SAFETY: By the type invariants `what` is initialised. A box of a `MaybeUninit` does not
        // drop it, so it is moved out once.
        unsafe { held.what.assume_init_read() }
    }

    /// Returns true if code of this module releases the buffer.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.entry.ours
    }

    /// Puts the buffer, which has `len` bytes and was submitted at `epoch`, into `quarantine`. For
    /// any context.
    ///
    /// Without a `quarantine` the buffer is kept for ever, with a reference to the device.
    ///
    /// # Safety
    ///
    /// - `dev` is valid and bound.
    /// - The buffer is mapped for `dev`.
    /// - `quarantine` is that of the binding of `dev`.
    pub(crate) unsafe fn hold(
        mut self,
        dev: *mut bindings::device,
        quarantine: Option<&Quarantine>,
        epoch: u64,
        len: usize,
    ) where
        T: Hold,
    {
        let entry = &mut self.0.entry;
        entry.release.get_or_insert(release::<T>);
        entry.epoch = epoch;
        entry.dev = dev;
        entry.len = len;
        // SAFETY:
        // - `release` is `release::<T>`, set here or by `new_ours()`. The buffer is mapped for
        //   `dev`, as the caller promises.
        // - `into_entry()` gives up the entry to this function.
        // - `dev` is valid and bound, as the caller promises.
        unsafe { hold(self.into_entry(), quarantine) };
    }

    /// Returns the entry, which belongs to the caller.
    ///
    /// # Safety
    ///
    /// The `release` of the entry is [`release::<T>`], and `dev` is the device that the buffer is
    /// mapped for, if it is mapped.
    pub(super) unsafe fn into_entry(self) -> NonNull<Entry> {
        // INVARIANT: The entry is in a `Held<T>` from a `KBox`, whose `what` is initialised by the
        // type invariants. The caller promises the rest.
        // CAST: `Held` is `repr(C)`, and the entry is its first field.
        // SAFETY: The pointer of a box is not null.
        unsafe { NonNull::new_unchecked(KBox::into_raw(self.into_box()).cast::<Entry>()) }
    }
}

/// Frees the buffer of `entry`, which was never in quarantine. May sleep.
///
/// # Safety
///
/// - `entry` keeps the invariants of [`Entry`] and belongs to the caller, who does not use it
///   again.
/// - The buffer is not mapped. Or its device is bound, has stayed bound since the buffer was
///   mapped, and will not access it any more.
pub(super) unsafe fn release_deferred(entry: NonNull<Entry>) {
    // SAFETY: The entry is valid, as the caller promises.
    if let Some(release) = unsafe { (*entry.as_ptr()).release } {
        // SAFETY: The caller promises all of it.
        unsafe { release(entry, false) };
    }
}

/// Releases the buffer of `entry`. Returns false, and releases nothing, if that is impossible.
///
/// It is impossible for an `orphan` that is not mapped as it was. May sleep.
///
/// # Safety
///
/// - `entry` keeps the invariants of [`Entry`], for this `T`, and belongs to the caller.
/// - If this returns true, the caller does not use `entry` again.
///
/// If the buffer is mapped:
///
/// - The device is bound and will not access the buffer any more.
/// - The device has stayed bound since the buffer was mapped, or `orphan` is true.
unsafe fn release<T: Hold>(entry: NonNull<Entry>, orphan: bool) -> bool {
    let held = entry.as_ptr().cast::<Held<T>>();
    // SAFETY: By the invariants of `Entry` the cast gives a valid `Held<T>` with an initialised
    // `what`. The entry belongs to the caller, so nobody writes to it.
    if orphan && !unsafe { (*held).what.assume_init_ref() }.is_where_it_was() {
        return false;
    }
    // SAFETY: By the invariants of `Entry` the `Held<T>` came from a `KBox` and has an initialised
    // `what`. The caller does not use `entry` again, so `what` is moved out once and the box is
    // freed once.
    let what = unsafe {
        let held = KBox::from_raw(held);
        held.what.assume_init_read()
    };
    // SAFETY: If the buffer is mapped:
    // - The device is bound and will not access the buffer, as the caller promises.
    // - The device has stayed bound, as the caller promises, or the buffer is an orphan and
    //   `is_where_it_was()` has just returned true.
    unsafe { what.release() };
    true
}

/// Adds `number` buffers of `len` bytes to a counter. For any context.
fn count(counter: ffi::sgdma_counter, number: isize, len: usize) {
    // SAFETY: All callers pass a value of the enum, and each value has a counter. The counters are
    // atomic.
    unsafe { ffi::sgdma_count_held(counter, number, number * len as isize) };
}

/// Logs that the buffer of `entry` is held, and puts the buffer into `quarantine`. For any context.
///
/// # Safety
///
/// - `entry` keeps the invariants of [`Entry`] and belongs to the caller, who gives it up.
/// - The device of `entry` is valid and bound.
// Not inlined: the callers are generic, and the case is rare.
#[inline(never)]
unsafe fn hold(entry: NonNull<Entry>, quarantine: Option<&Quarantine>) {
    // SAFETY: By the invariants of `Entry` the entry is valid. It belongs to the caller.
    let (dev, len) = unsafe { ((*entry.as_ptr()).dev, (*entry.as_ptr()).len) };
    // What has no bytes is no buffer, and has a line of its own.
    if len > 0 {
        // SAFETY: The device is valid, as the caller promises.
        unsafe { ffi::sgdma_say_held(dev, len) };
    }
    match quarantine {
        Some(quarantine) => {
            count(ffi::SGDMA_HELD, 1, len);
            quarantine.list.push(entry);
        }
        None => {
            count(ffi::SGDMA_FOR_EVER, 1, len);
            // SAFETY: The device is valid, as the caller promises.
            unsafe { ffi::sgdma_get_device(dev) };
        }
    }
}

/// A lock-free list of entries; the one that was pushed last comes first.
///
/// # Invariants
///
/// Each entry on the list keeps the invariants of [`Entry`], and belongs to the list.
pub(super) struct List(Atomic<*mut Entry>);

// SAFETY: The held buffers are `Send`, by the bound of `Hold`. The devices and modules that the
// entries point to may be used by any task.
unsafe impl Send for List {}
// SAFETY: A shared list only allows `push()` and `take()`, which change it by one atomic operation
// each. A shared list never gives a reference to a buffer.
unsafe impl Sync for List {}

impl List {
    pub(super) const fn new() -> Self {
        // INVARIANT: There is no entry.
        Self(Atomic::new(core::ptr::null_mut()))
    }

    /// Pushes `entry`, which the caller owns and gives up. For any context.
    pub(super) fn push(&self, entry: NonNull<Entry>) {
        let mut first = self.0.load(Relaxed);
        loop {
            // SAFETY: The entry is valid and still belongs to the caller: it is on no list before
            // the exchange below succeeds.
            unsafe { (*entry.as_ptr()).next = first };
            // INVARIANT: `entry` comes from `Place::fill()` or from another list, so it keeps the
            // invariants of `Entry`. The caller gives it up to this list.
            // Release ordering pairs with the acquire ordering of `take()`: the task that takes the
            // entry sees all that was written to it.
            match self.0.cmpxchg(first, entry.as_ptr(), Release) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Takes all entries, which then belong to the caller. For any context.
    pub(super) fn take(&self) -> impl Iterator<Item = NonNull<Entry>> {
        let mut next = NonNull::new(self.0.xchg(core::ptr::null_mut(), Acquire));
        core::iter::from_fn(move || {
            let entry = next?;
            // SAFETY: By the type invariants the entry is valid. The exchange took it off the list,
            // so it belongs to this iterator until it is returned below.
            next = NonNull::new(unsafe { (*entry.as_ptr()).next });
            Some(entry)
        })
    }
}

/// The quarantine of one binding.
///
/// # Invariants
///
/// - Each buffer on `list` is mapped for the device of this binding.
/// - `start_dma` is null or the device of this binding.
/// - `start` may be called for that device, as long as it is bound.
/// - The binding, and with it the device, outlives the quarantine.
#[pin_data]
pub(crate) struct Quarantine {
    list: List,
    /// The number of resets that have begun.
    epoch: Atomic<u64>,
    /// The first epoch that no finished reset covers. The device is done with all buffers that
    /// were submitted in an earlier epoch.
    over: Atomic<u64>,
    /// The number of ranges of bus addresses that the binding has reserved and not freed. Those in
    /// quarantine do not count.
    ranges: Atomic<isize>,
    /// The device, which each reset lets do DMA. Null before the driver's probe, and at the end of
    /// the binding.
    start_dma: Atomic<*mut bindings::device>,
    /// Lets a bound device do DMA.
    start: unsafe fn(*mut bindings::device),
    /// Held by a task that takes the list apart and puts part of it back, so that no other such
    /// task misses the entries that are off the list meanwhile.
    #[pin]
    scan: Mutex<()>,
}

lock_class!(scan_class, c"sgdma quarantine");

impl Quarantine {
    /// Creates an empty quarantine. `start` lets a bound device do DMA.
    ///
    /// # Safety
    ///
    /// `start` may be called for the device of the binding, as long as that device is bound.
    pub(crate) unsafe fn new(start: unsafe fn(*mut bindings::device)) -> impl PinInit<Self, Error> {
        let class = scan_class();
        // INVARIANT: The list is empty, and `start_dma` is null. The caller promises the rest.
        try_pin_init!(Self {
            list: List::new(),
            epoch: Atomic::new(0),
            over: Atomic::new(0),
            ranges: Atomic::new(0),
            start_dma: Atomic::new(core::ptr::null_mut()),
            start,
            scan <- Mutex::new((), class.name, class.key),
        })
    }

    /// Returns the current epoch: the number of resets that have begun. For any context.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// Adds to the number of ranges that are reserved. For any context.
    pub(crate) fn count_ranges(&self, number: isize) {
        self.ranges.fetch_add(number, Relaxed);
    }

    /// Returns the number of ranges that are reserved. At the end of the binding, when all that
    /// borrows it was dropped, they were forgotten.
    pub(crate) fn ranges(&self) -> isize {
        self.ranges.load(Relaxed)
    }

    /// Takes the entries for whose epoch `is_due` returns true. May sleep.
    fn take(&self, is_due: impl Fn(u64) -> bool) -> List {
        let due = List::new();
        let _scan = self.scan.lock();
        for entry in self.list.take() {
            // SAFETY: The entry was taken off the list, so it is valid and belongs to this
            // function.
            let epoch = unsafe { (*entry.as_ptr()).epoch };
            let list = if is_due(epoch) { &due } else { &self.list };
            list.push(entry);
        }
        due
    }

    /// Begins a new epoch and returns it. For any context.
    ///
    /// Buffers that are submitted from here on belong to the new epoch.
    pub(crate) fn begin_reset(&self) -> u64 {
        self.epoch.fetch_add(1, Full) + 1
    }

    /// Records that the device was reset, and releases the buffers submitted before epoch `until`.
    /// May sleep.
    ///
    /// Then lets the device do DMA, which may have been switched off: because of orphans of the
    /// device, which are released here, or because the device went on with memory of another one
    /// that was going.
    pub(crate) fn reset(&self, until: u64) {
        {
            let _scan = self.scan.lock();
            self.over.store(until.max(self.over.load(Relaxed)), Relaxed);
        }
        self.release(self.take(|epoch| epoch < until));
        if let Some(dev) = NonNull::new(self.start_dma.load(Relaxed)) {
            release_orphans(dev.as_ptr());
        }
        // `never_start_dma()` takes this lock too. So once that has returned, nothing starts DMA.
        let _scan = self.scan.lock();
        if let Some(dev) = NonNull::new(self.start_dma.load(Relaxed)) {
            // SAFETY: By the type invariants `dev` is the device of the binding, for which `start`
            // may be called while it is bound. The binding outlives `self`, so it is bound.
            unsafe { (self.start)(dev.as_ptr()) };
        }
    }

    /// Releases the buffers on `due`, which the device is done with. May sleep.
    fn release(&self, due: List) {
        for entry in due.take() {
            // SAFETY:
            // - The entry was taken off the list, so it is valid and belongs to this function, and
            //   `release` fits its type. It is not used after the call: the iterator has read
            //   `next` before, and `len` is copied.
            // - By the type invariants the device is bound and has been since the buffer was
            //   mapped: a buffer of another binding is never on this list.
            // - The device is done with the buffer: the callers take only entries of epochs that
            //   are over.
            unsafe {
                let len = (*entry.as_ptr()).len;
                if let Some(release) = (*entry.as_ptr()).release {
                    release(entry, false);
                }
                count(ffi::SGDMA_HELD, -1, len);
                count(ffi::SGDMA_RELEASED, 1, len);
            }
        }
    }

    /// Makes each [`reset`](Self::reset) let `dev`, the device of this binding, do DMA.
    pub(crate) fn start_dma_at_reset(&self, dev: *mut bindings::device) {
        // INVARIANT: `dev` is the device of this binding.
        self.start_dma.store(dev, Relaxed);
    }

    /// Takes [`start_dma_at_reset`](Self::start_dma_at_reset) back: no later reset lets the device
    /// do DMA. May sleep.
    pub(crate) fn never_start_dma(&self) {
        let _scan = self.scan.lock();
        // INVARIANT: Null is allowed.
        self.start_dma.store(core::ptr::null_mut(), Relaxed);
    }

    /// Returns true if a buffer is held that no finished reset covers. May sleep.
    pub(crate) fn is_open(&self) -> bool {
        let over = self.over.load(Relaxed);
        let open = self.take(|epoch| epoch >= over);
        let mut is_open = false;
        for entry in open.take() {
            is_open = true;
            self.list.push(entry);
        }
        is_open
    }

    /// Empties the quarantine at the end of the binding. May sleep.
    ///
    /// Releases all buffers if `is_over`, which says that the device is done with all of them.
    /// Otherwise releases the buffers that a finished reset covers and makes orphans of the rest.
    /// `module` is the driver's.
    pub(crate) fn end(&self, is_over: bool, module: &'static ThisModule) {
        let over = if is_over {
            u64::MAX
        } else {
            self.over.load(Relaxed)
        };
        self.release(self.take(|epoch| epoch < over));
        for entry in self.list.take() {
            orphan(entry, module);
        }
    }
}

kernel::sync::global_lock! {
    // SAFETY: `init()` initialises the mutex when this module is loaded. Nothing locks it before:
    // no driver is bound through this module by then.
    unsafe(uninit) static ORPHANS: Mutex<List> = List::new();
}

/// Initialises the list of orphans.
///
/// # Safety
///
/// Called once, before any driver is bound through this module.
pub(crate) unsafe fn init() {
    // SAFETY: `ORPHANS` is initialised once and not used before, as the caller promises: only the
    // functions of a binding use it.
    unsafe { ORPHANS.init() };
}

fn this_module() -> *mut bindings::module {
    const MODULE: &ThisModule = crate::this_module!();
    MODULE.as_ptr()
}

/// Makes an orphan of `entry`, whose binding ends. May sleep.
///
/// Takes the references that a later release needs; see the documentation of this file.
fn orphan(entry: NonNull<Entry>, module: &'static ThisModule) {
    let orphans = ORPHANS.lock();
    // SAFETY:
    // - `Quarantine::end()` took the entry off its list, so it is valid and belongs to this
    //   function.
    // - The binding has not ended yet, so the device is valid.
    // - Both modules are loaded: this code runs in one of them, for the driver in the other. The
    //   driver's may be on its way out; then `try_module_get()` returns false.
    unsafe {
        let entry = entry.as_ptr();
        ffi::sgdma_get_device((*entry).dev);
        // This module must stay loaded: only its list knows that the device must not do DMA.
        ffi::sgdma_try_module_get(this_module());
        let code = if (*entry).ours {
            this_module()
        } else {
            module.as_ptr()
        };
        (*entry).module = ffi::sgdma_try_module_get(code).then_some(code);
    }
    orphans.push(entry);
}

/// Returns the number of orphans of the device at the place of `dev`. May sleep.
///
/// A device that was removed and found again is another `struct device` at the same place.
pub(crate) fn orphans(dev: *mut bindings::device) -> usize {
    let all = ORPHANS.lock();
    let mine = take_orphans(&all, dev);
    let mut number = 0;
    for entry in mine.take() {
        number += 1;
        all.push(entry);
    }
    number
}

/// Takes the orphans of the device at the place of `dev` off `all`.
fn take_orphans(all: &List, dev: *mut bindings::device) -> List {
    let mine = List::new();
    let others = List::new();
    for entry in all.take() {
        // SAFETY: The entry was taken off the list, so it is valid. It has a reference to its
        // device, so that device is valid too. `dev` is valid: the callers are binding it.
        let is_mine = unsafe { ffi::sgdma_same_place((*entry.as_ptr()).dev, dev) };
        let list = if is_mine { &mine } else { &others };
        list.push(entry);
    }
    for entry in others.take() {
        all.push(entry);
    }
    mine
}

/// Releases the orphans of `dev`, which is bound and was reset. May sleep.
///
/// An orphan cannot be released in three cases: `dev` is another `struct device` at the same place,
/// the buffer is not mapped as it was, or the module with the releasing code is gone. Such a buffer
/// is kept for ever, with a reference to its device.
pub(crate) fn release_orphans(dev: *mut bindings::device) {
    let mine = take_orphans(&ORPHANS.lock(), dev);
    for entry in mine.take() {
        // SAFETY:
        // - The entry was taken off the list, so it is valid and belongs to this function. It is
        //   used only before `release` is called: its fields are copied first.
        // - `release` is called only if `module` is some, so the code of `release` is loaded.
        // - `release` is called only for the device itself, which is bound. The device was reset,
        //   so it will not access the buffer. The entry is an orphan, as the argument says.
        // - `orphan()` took the references that are dropped here, and each is dropped once.
        unsafe {
            let Entry {
                release,
                module,
                dev: its,
                len,
                ..
            } = *entry.as_ptr();
            let done = match (release, module) {
                (Some(release), Some(_)) if its == dev => release(entry, true),
                _ => false,
            };
            count(ffi::SGDMA_HELD, -1, len);
            if done {
                count(ffi::SGDMA_RELEASED, 1, len);
                ffi::sgdma_put_device(its);
            } else {
                count(ffi::SGDMA_FOR_EVER, 1, len);
                ffi::sgdma_say_for_ever(its, len);
            }
            if let Some(module) = module {
                ffi::sgdma_module_put(module);
            }
            ffi::sgdma_module_put(this_module());
        }
    }
}
