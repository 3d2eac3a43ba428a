// SPDX-License-Identifier: GPL-2.0

//! Device nodes: the files in `/dev` that user space opens.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! A node exists while its device is bound. A file that was opened may stay open longer: after
//! unbinding, its operations fail with `ENODEV`. The owner of the file operations is the driver's
//! module, so `rmmod` is refused while a file is open.

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

/// A registered device node: a `struct miscdevice`. A drop deregisters it and revokes the gate.
///
/// # Invariants
///
/// `misc` is registered. Its `name` points to the string in `name`.
#[pin_data(PinnedDrop)]
pub(crate) struct DeviceNode<D: Driver> {
    gate: DriverGate<D>,
    name: CString,
    #[pin]
    misc: Opaque<bindings::miscdevice>,
}

// SAFETY:
// - Any task may register and deregister a misc device.
// - Any task may open the node and access the `DriverContext` behind the gate. That is `Send` and
//   `Sync`, as its fields `D::Data`, `DmaDevice` and `Tasks` are.
unsafe impl<D: Driver> Send for DeviceNode<D> {}
// SAFETY: A shared reference to a node gives access to `gate` only. The `DriverContext` behind the
// gate is `Sync`, as its fields are.
unsafe impl<D: Driver> Sync for DeviceNode<D> {}

impl<D: Driver> DeviceNode<D> {
    /// Registers the node `/dev/<prefix>-<device name>`: `misc_register()`. May sleep.
    ///
    /// Operations on its files get the `DriverContext` that `ctx` points to.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EBUSY` and others of `misc_register()`.
    ///
    /// # Safety
    ///
    /// - The node is dropped before the binding ends.
    /// - `ctx` is valid, and nobody has it exclusively, until the node was dropped.
    pub(crate) unsafe fn register<'bound>(
        prefix: &'static CStr,
        dma: DmaDevice<'bound>,
        ctx: *const DriverContext<'bound, D>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // SAFETY: `ctx` is valid, and nobody has it exclusively, until the node was dropped, as
            // the caller promises. The drop of the node revokes the gate, so all this holds until
            // `revoke()` has returned.
            let gate = unsafe { DriverGate::new(dma.unbinding().clone(), ctx) }?;
            let name = CString::try_from_fmt(fmt!("{}-{}", prefix, dma.device().name()))?;
            // The string is on the heap, so the pointer stays valid when the `CString` is moved.
            let name_ptr = name.as_char_ptr();
            // The type `&'static` makes this a constant in memory, not a temporary.
            let fops: &'static bindings::file_operations = &Self::FOPS;

            // INVARIANT: `misc_register()` has succeeded if this initialiser does. `name_ptr`
            // points to the string in `name`.
            Ok(try_pin_init!(Self {
                gate,
                name,
                // The last field: user space may open the node from then on, which uses the others.
                misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                    let misc = bindings::miscdevice {
                        minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                        name: name_ptr,
                        fops,
                        parent: dma.as_raw(),
                        ..pin_init::zeroed()
                    };
                    // SAFETY: `try_ffi_init()` gives a `slot` that is valid for writing.
                    unsafe { slot.write(misc) };
                    // SAFETY:
                    // - `slot` was just filled in. It is pinned until the drop deregisters it.
                    // - `name_ptr` is valid as long as `name`, a field of the node. The parent is
                    //   valid: the node is dropped before the binding ends. `fops` is static.
                    // - `open()` uses `gate` only, which is initialised.
                    to_result(unsafe { bindings::misc_register(slot) })
                }),
            }))
        })
    }

    const FOPS: bindings::file_operations = bindings::file_operations {
        owner: D::MODULE.as_ptr(),
        open: Some(Self::open),
        release: Some(OpenFile::<D>::release),
        // Seeks by byte offsets. A device has no end to seek from.
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

    /// Opens a file: `file_operations::open`.
    ///
    /// # Safety
    ///
    /// - `misc_open()` calls this, with its mutex held.
    /// - `file` is being opened on the node of a [`DeviceNode<D>`].
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `file` is valid, as the caller promises. `misc_open()` has stored a pointer to
        // the `miscdevice` in it.
        let misc: *mut bindings::miscdevice = unsafe { (*file).private_data }.cast();
        // SAFETY:
        // - `misc` points to the field of a `DeviceNode<D>`, as the caller promises.
        // - All fields are initialised: `register()` initialises `misc` last.
        // - The node stays until this returns: its drop calls `misc_deregister()`, which waits for
        //   the mutex that `misc_open()` holds.
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
            // SAFETY: `file` is valid, as the caller promises. The `open` of a file may set its
            // private data, and nobody else accesses `file` yet.
            unsafe { (*file).private_data = open.into_foreign() };
            Ok(0)
        })
    }
}

#[pinned_drop]
impl<D: Driver> PinnedDrop for DeviceNode<D> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants `misc` is registered. It is deregistered once, by this
        // drop. No `open()` runs any more when this returns.
        unsafe { bindings::misc_deregister(self.misc.get()) };
        self.gate.revoke();
    }
}
