// SPDX-License-Identifier: GPL-2.0

//! Device nodes: what user space opens.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! After unbind operations answer `ENODEV`. The file operations carry the driver's module as their
//! owner, so `rmmod` is refused while a file is open.

use crate::{
    device::dma_device::DmaDevice,
    driver::{
        file::OpenFile, //
        Driver,
        DriverContext,
        DriverGate,
        FileOps,
    }, //
};
use kernel::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    ffi::c_int,
    prelude::*,
    str::CString,
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// A registered device node.
///
/// # Invariants
///
/// `misc` is registered, and its `name` points into `name`.
#[pin_data(PinnedDrop)]
pub(crate) struct DeviceNode<D: Driver> {
    gate: DriverGate<D>,
    name: CString,
    #[pin]
    misc: Opaque<bindings::miscdevice>,
}

// SAFETY: Nodes are registered and deregistered from any task. What is behind the gate is used by
// any task that opens the node; it is `Send` and `Sync`, as `D::Data` and `DmaDevice` are.
unsafe impl<D: Driver> Send for DeviceNode<D> {}
// SAFETY: As for `Send`; all shared access is to `gate`, which is `Sync`.
unsafe impl<D: Driver> Sync for DeviceNode<D> {}

impl<D: Driver> DeviceNode<D> {
    /// Registers the node `prefix`, whose operations are lent what `lent` points to.
    ///
    /// # Safety
    ///
    /// `lent` stays valid, and nobody has it exclusively, until the node was dropped; that happens
    /// before the binding ends.
    pub(crate) unsafe fn register<'bound>(
        prefix: &'static CStr,
        dma: DmaDevice<'bound>,
        ctx: *const DriverContext<'bound, D>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // SAFETY: By the requirements of this function `lent` outlives the node, whose drop
            // closes the gate.
            let gate = unsafe { DriverGate::new(dma.unbinding().clone(), ctx) }?;
            let name = CString::try_from_fmt(fmt!("{}-{}", prefix, dma.device().name()))?;
            // Stays where it is when the `CString` is moved.
            let name_ptr = name.as_char_ptr();
            // The type makes sure that it is a constant in memory, not a temporary.
            let fops: &'static bindings::file_operations = &Self::FOPS;

            // INVARIANT: Registered, with its own name.
            Ok(try_pin_init!(Self {
                gate,
                name,
                // Last: from then on the node is opened, and all of it used.
                misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                    let misc = bindings::miscdevice {
                        minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                        name: name_ptr,
                        fops,
                        parent: dma.as_raw(),
                        ..pin_init::zeroed()
                    };
                    // SAFETY: `slot` is valid for writing.
                    unsafe { slot.write(misc) };
                    // SAFETY:
                    // - `slot` was just filled, and is pinned until it is deregistered on drop.
                    // - `name_ptr` and the parent live as long as the node; `fops` is static.
                    // - All that `open()` reaches, the other fields, is initialised.
                    to_result(unsafe { bindings::misc_register(slot) })
                }),
            }))
        })
    }

    const FOPS: bindings::file_operations = bindings::file_operations {
        owner: D::MODULE.as_ptr(),
        open: Some(Self::open),
        release: Some(OpenFile::<D>::release),
        // Positions are byte offsets; there is no end to seek from.
        llseek: Some(bindings::no_seek_end_llseek),
        read_iter: if D::Files::HAS_READ {
            Some(OpenFile::<D>::read_iter)
        } else {
            None
        },
        write_iter: if D::Files::HAS_WRITE {
            Some(OpenFile::<D>::write_iter)
        } else {
            None
        },
        unlocked_ioctl: if D::Files::HAS_IOCTL {
            Some(OpenFile::<D>::ioctl)
        } else {
            None
        },
        mmap: if D::Files::HAS_MMAP {
            Some(OpenFile::<D>::mmap)
        } else {
            None
        },
        compat_ioctl: if D::Files::HAS_IOCTL {
            bindings::compat_ptr_ioctl
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `file` is being opened on a [`DeviceNode<D>`], as `misc_open()` calls it.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `misc_open()` left a pointer to the `miscdevice` here.
        let misc: *mut bindings::miscdevice = unsafe { (*file).private_data }.cast();
        // SAFETY: It is the one in a `DeviceNode<D>`, as only that has these file operations. The rest
        // of the node was initialised before; `misc_open()` holds off deregistering, and so the
        // node's end, until we return.
        let node = unsafe { &*kernel::container_of!(Opaque::cast_from(misc), DeviceNode<D>, misc) };

        from_result(|| {
            let open = node.gate.enter(|ctx| {
                KBox::pin_init(
                    try_pin_init!(OpenFile::<D> {
                        gate: node.gate.clone(),
                        state <- D::Files::open(ctx),
                    }),
                    GFP_KERNEL,
                )
            })?;
            // SAFETY: A file's `open` may set its private data.
            unsafe { (*file).private_data = open.into_foreign() };
            Ok(0)
        })
    }
}

#[pinned_drop]
impl<D: Driver> PinnedDrop for DeviceNode<D> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered, by the type invariants. No `open` runs when this returns.
        unsafe { bindings::misc_deregister(self.misc.get()) };
        self.gate.revoke();
    }
}
