// SPDX-License-Identifier: GPL-2.0

//! What we call in C beyond `kernel::bindings`: the functions of the files beside this one.

use kernel::{
    bindings,
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong, //
    }, //
};

/// `enum sgdma_path`.
pub(crate) const SGDMA_DIRECT: c_uint = 0;
pub(crate) const SGDMA_IOMMU: c_uint = 1;

/// `enum sgdma_coherency`.
pub(crate) const SGDMA_NEEDS_CACHE_MAINTENANCE: c_uint = 1;

/// `struct sgdma_limits`.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Limits {
    mask: u64,
    coherent_mask: u64,
    seg_boundary: c_ulong,
    max_seg_size: c_uint,
    min_align_mask: c_uint,
    skips_sync: bool,
}

/// `struct sgdma_parameters`.
#[repr(C)]
pub(crate) struct Parameters {
    pub(crate) sync_debug: bool,
    pub(crate) selftest: bool,
    pub(crate) tables: c_uint,
    pub(crate) seed: u64,
}

// Only pointers to these structures are passed; that some have empty members does not matter.
#[allow(improper_ctypes)]
extern "C" {
    /// `dma_get_max_seg_size()`; bytes, never zero.
    pub(crate) fn sgdma_dma_get_max_seg_size(dev: *mut bindings::device) -> c_uint;

    /// `dma_get_seg_boundary()`; a mask such as `0xffff_ffff`.
    pub(crate) fn sgdma_dma_get_seg_boundary(dev: *mut bindings::device) -> c_ulong;

    /// `dma_set_seg_boundary()`; warns if the bus gave the device no `dma_parms`.
    pub(crate) fn sgdma_dma_set_seg_boundary(dev: *mut bindings::device, mask: c_ulong);

    /// `dma_set_min_align_mask()`; likewise.
    pub(crate) fn sgdma_dma_set_min_align_mask(dev: *mut bindings::device, mask: c_uint);

    /// Counts what is held: in `what`, as many and as many bytes.
    pub(crate) fn sgdma_count_held(what: c_uint, number: isize, bytes: isize);

    /// Says that a buffer is held. For any context.
    pub(crate) fn sgdma_say_held(dev: *mut bindings::device, len: usize);

    /// Says that one is held for ever.
    pub(crate) fn sgdma_say_for_ever(dev: *mut bindings::device, len: usize);

    /// `get_device()`. For any context.
    pub(crate) fn sgdma_get_device(dev: *mut bindings::device) -> *mut bindings::device;

    /// `put_device()`; may sleep.
    pub(crate) fn sgdma_put_device(dev: *mut bindings::device);

    /// `try_module_get()`: false if the module is being unloaded.
    pub(crate) fn sgdma_try_module_get(module: *mut bindings::module) -> bool;

    /// `module_put()`.
    pub(crate) fn sgdma_module_put(module: *mut bindings::module);

    /// Whether two devices are, or were, in the same place of the same bus.
    pub(crate) fn sgdma_same_place(a: *mut bindings::device, b: *mut bindings::device) -> bool;

    /// Remembers the DMA limits of a device; `EINVAL` if they are not its own.
    pub(crate) fn sgdma_save_limits(dev: *mut bindings::device, limits: *mut Limits) -> c_int;

    /// Brings them back.
    pub(crate) fn sgdma_restore_limits(dev: *mut bindings::device, limits: *const Limits);

    /// `dma_dev_need_sync()`: whether anything that is mapped for the device may have to be
    /// synchronised. Once it bounces, it stays so.
    pub(crate) fn sgdma_dma_dev_need_sync(dev: *mut bindings::device) -> bool;

    /// `dma_sync_sgtable_for_cpu()`; see `include/sgdma.h`.
    pub(crate) fn sgdma_sync_sgtable_for_cpu(
        dev: *mut bindings::device,
        sgt: *mut bindings::sg_table,
        dir: bindings::dma_data_direction,
    );

    /// `dma_sync_single_for_cpu()`; see `include/sgdma.h`.
    pub(crate) fn sgdma_sync_single_for_cpu(
        dev: *mut bindings::device,
        addr: bindings::dma_addr_t,
        size: usize,
        dir: bindings::dma_data_direction,
    );

    /// `dma_sync_sgtable_for_device()`; see `include/sgdma.h`.
    pub(crate) fn sgdma_sync_sgtable_for_device(
        dev: *mut bindings::device,
        sgt: *mut bindings::sg_table,
        dir: bindings::dma_data_direction,
    );

    /// `dma_sync_single_for_device()`; see `include/sgdma.h`.
    pub(crate) fn sgdma_sync_single_for_device(
        dev: *mut bindings::device,
        addr: bindings::dma_addr_t,
        size: usize,
        dir: bindings::dma_data_direction,
    );

    /// `iommu_get_domain_for_dev()`; null if no IOMMU maps for the device.
    pub(crate) fn sgdma_iommu_get_domain_for_dev(
        dev: *mut bindings::device,
    ) -> *mut bindings::iommu_domain;

    /// `iommu_iova_to_phys()`; 0 for what is not mapped.
    pub(crate) fn sgdma_iommu_iova_to_phys(
        domain: *mut bindings::iommu_domain,
        iova: bindings::dma_addr_t,
    ) -> bindings::phys_addr_t;

    /// `page_to_phys()`.
    pub(crate) fn sgdma_page_to_phys(page: *mut bindings::page) -> bindings::phys_addr_t;

    /// `phys_to_page()`, of an address that has a page.
    pub(crate) fn sgdma_phys_to_page(phys: bindings::phys_addr_t) -> *mut bindings::page;

    /// `memcpy_from_page()`, for which it is no undefined behaviour if somebody writes meanwhile.
    pub(crate) fn sgdma_memcpy_from_page(
        to: *mut u8,
        page: *mut bindings::page,
        offset: usize,
        len: usize,
    );

    /// `memcpy_to_page()`, likewise.
    pub(crate) fn sgdma_memcpy_to_page(
        page: *mut bindings::page,
        offset: usize,
        from: *const u8,
        len: usize,
    );

    /// `memset_page()`, likewise.
    pub(crate) fn sgdma_memset_page(
        page: *mut bindings::page,
        offset: usize,
        value: c_int,
        len: usize,
    );

    /// How the device's memory is mapped: `enum sgdma_path`.
    pub(crate) fn sgdma_path(dev: *mut bindings::device) -> c_uint;

    /// Whether the device can bounce memory.
    pub(crate) fn sgdma_can_bounce(dev: *mut bindings::device) -> bool;

    /// Whether it reaches all memory, so that it need not.
    pub(crate) fn sgdma_reaches_all(dev: *mut bindings::device) -> bool;

    /// Whether a segment that begins in its reach may go on elsewhere.
    pub(crate) fn sgdma_has_borders(dev: *mut bindings::device) -> bool;

    /// How many of `size` bytes from `phys` on keep together on the device's bus.
    pub(crate) fn sgdma_straight(
        dev: *mut bindings::device,
        phys: bindings::phys_addr_t,
        size: usize,
    ) -> usize;

    /// Where a direct mapping in place would be; `DMA_MAPPING_ERROR` if there is none.
    pub(crate) fn sgdma_direct_address(
        dev: *mut bindings::device,
        phys: bindings::phys_addr_t,
        size: usize,
    ) -> bindings::dma_addr_t;

    /// See `include/sgdma.h`.
    pub(crate) fn sgdma_coherency(dev: *mut bindings::device) -> c_uint;

    /// See `include/sgdma.h`.
    pub(crate) fn sgdma_coherency_name(coherency: c_uint) -> *const c_char;

    /// See `include/sgdma.h`.
    pub(crate) fn sgdma_coherency_string(coherency: c_uint) -> *const c_char;

    /// Whether the library was loaded with `sync_debug=1`.
    pub(crate) fn sgdma_sync_debug() -> bool;

    /// The longest segment that is sure to have a shadow then.
    pub(crate) fn sgdma_max_shadow() -> usize;

    /// See `include/sgdma.h`.
    pub(crate) fn sgdma_map_sgtable(
        dev: *mut bindings::device,
        sgt: *mut bindings::sg_table,
        dir: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> c_int;

    /// See `include/sgdma.h`.
    pub(crate) fn sgdma_unmap_sgtable(
        dev: *mut bindings::device,
        sgt: *mut bindings::sg_table,
        dir: bindings::dma_data_direction,
        attrs: c_ulong,
    );

    /// Has bytes of a table in sync-debug mode change hands; false if it is not in that.
    pub(crate) fn sgdma_shadow_sync(
        sgt: *mut bindings::sg_table,
        offset: usize,
        len: usize,
        for_cpu: bool,
    ) -> bool;

    /// What insmod was given; it does not change.
    pub(crate) static sgdma_parameters: Parameters;

    /// Begins what C does as long as the module is there: the report, and watching what is unbound.
    /// Called by the task that loads the module.
    pub(crate) fn sgdma_module_init() -> c_int;

    /// Ends that.
    pub(crate) fn sgdma_module_exit();

    /// Lets others run; returns whether a self-test should end, for nobody waits for it any more.
    /// May sleep.
    pub(crate) fn sgdma_selftest_is_stopped() -> bool;

    /// Whether `len` bytes from `addr` on are where user space's memory may be.
    pub(crate) fn sgdma_access_ok(addr: usize, len: usize) -> bool;

    /// `pin_user_pages_fast()` for long, of up to `nr` pages, for a process with memory of its own;
    /// `EINTR` if it is being killed. Takes `mmap_lock`.
    pub(crate) fn sgdma_pin_user_pages(
        start: usize,
        nr: c_int,
        write: bool,
        pages: *mut *mut bindings::page,
    ) -> c_int;

    /// `unpin_user_page_range_dirty_lock()`; may sleep.
    pub(crate) fn sgdma_unpin_user_pages(page: *mut bindings::page, nr: usize, dirty: bool);

    /// `current->mm`, null for a kernel thread.
    ///
    /// Not the kernel crate's, which reads another member where `CONFIG_SCHEDSTATS` is not set:
    /// bindgen leaves out the alignment of a member of `struct task_struct` that is empty then.
    pub(crate) fn sgdma_current_mm() -> *mut bindings::mm_struct;

    /// Counts pinned pages in `mm`; false if `RLIMIT_MEMLOCK` of the calling process forbids it.
    pub(crate) fn sgdma_account_pinned(mm: *mut bindings::mm_struct, nr: c_ulong) -> bool;

    /// Takes that back.
    pub(crate) fn sgdma_unaccount_pinned(mm: *mut bindings::mm_struct, nr: c_ulong);

    /// Zeroes a page of vmalloc's from byte `offset` on.
    pub(crate) fn sgdma_zero_page_from(page: *mut bindings::page, offset: usize);

    /// Lets `dev` see all bytes of a page, on hardware whose caches hide some.
    pub(crate) fn sgdma_clean_page(dev: *mut bindings::device, page: *mut bindings::page) -> c_int;

    /// Logs why a buffer is not shared with `dev`; not too often.
    pub(crate) fn sgdma_say_why_not_shared(dev: *mut bindings::device, why: *const c_char);

    /// Whether nobody but vmalloc, who gave it, refers to a page.
    pub(crate) fn sgdma_page_is_unshared(page: *mut bindings::page) -> bool;

    /// Whether `nr` pages can be had for long without anybody being killed.
    pub(crate) fn sgdma_pages_available(nr: usize) -> bool;

    /// `EINTR` if the calling process is being killed; else `cond_resched()`.
    pub(crate) fn sgdma_pause() -> c_int;

    /// `alloc_pages()`, from where a device that is mapped directly reaches it, as far as there is
    /// such memory; `zone` is 0, or what an earlier call has left there. `dev` may be null.
    ///
    /// Null if there are none, or none in reach of a device that cannot bounce.
    pub(crate) fn sgdma_alloc_pages(
        dev: *mut bindings::device,
        zone: *mut c_uint,
        gfp: bindings::gfp_t,
        order: c_uint,
    ) -> *mut bindings::page;

    /// Changes whenever memory is plugged in.
    pub(crate) fn sgdma_memory_plugged() -> c_uint;

    /// `page_private()`, where it holds a page.
    pub(crate) fn sgdma_page_private(page: *mut bindings::page) -> *mut bindings::page;

    /// `set_page_private()`.
    pub(crate) fn sgdma_set_page_private(page: *mut bindings::page, to: *mut bindings::page);

    /// Writes a byte as a directly mapped device would.
    pub(crate) fn sgdma_selftest_device_write(addr: bindings::dma_addr_t, byte: u8);

    /// Reads one likewise.
    pub(crate) fn sgdma_selftest_device_read(addr: bindings::dma_addr_t) -> u8;

    /// Refers to a page, as user space does that has mapped it, or gives that up.
    pub(crate) fn sgdma_selftest_refer(page: *mut bindings::page, refer: bool);

    /// Memory that is mapped into the current process; zero if there is none.
    pub(crate) fn sgdma_selftest_user_memory(len: usize) -> usize;

    /// Sets the ranges of a device's bus, each of an address in memory, one on the bus, and a size.
    pub(crate) fn sgdma_selftest_set_ranges(
        dev: *mut bindings::device,
        ranges: *const [u64; 3],
        count: usize,
    ) -> c_int;

    /// `page_ref_count()`.
    pub(crate) fn sgdma_selftest_page_refs(page: *mut bindings::page) -> c_int;

    /// Makes it look as if memory was plugged in that a device does not reach.
    pub(crate) fn sgdma_selftest_plug(dev: *mut bindings::device, mask: u64);

    /// `init_srcu_struct()`; may sleep.
    pub(crate) fn sgdma_init_srcu_struct(ssp: *mut bindings::srcu_struct) -> c_int;

    /// `srcu_read_lock()`.
    pub(crate) fn sgdma_srcu_read_lock(ssp: *mut bindings::srcu_struct) -> c_int;

    /// `srcu_read_unlock()`.
    pub(crate) fn sgdma_srcu_read_unlock(ssp: *mut bindings::srcu_struct, idx: c_int);

    /// `init_waitqueue_head()`.
    pub(crate) fn sgdma_init_waitqueue_head(queue: *mut bindings::wait_queue_head);

    /// Adds an entry for the current task that `wait_woken()` takes, and `remove_wait_queue()`
    /// takes off.
    pub(crate) fn sgdma_add_waiter(
        queue: *mut bindings::wait_queue_head,
        entry: *mut bindings::wait_queue_entry,
    );
}
