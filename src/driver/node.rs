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
        file::OpenFile,
        nodes::{
            NodeSpec,
            Nodes, //
        },
        Driver,
        DriverContext,
        DriverGate,
        FileOps, //
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

/// The registered nodes of a device. A drop deregisters them, and revokes the gate that all of them
/// have.
pub(crate) struct DeviceNodes<D: Driver> {
    gate: DriverGate<D>,
    nodes: KVec<Pin<KBox<DeviceNode<D>>>>,
}

impl<D: Driver> DeviceNodes<D> {
    /// Registers the nodes `wanted`. May sleep.
    ///
    /// Operations on their files get the `DriverContext` that `ctx` points to.
    ///
    /// # Errors
    ///
    /// Those of `misc_register()`, and `EEXIST` for two nodes of one name. A line in the log names
    /// the node. The nodes before it are deregistered.
    ///
    /// # Safety
    ///
    /// - The nodes are dropped before the binding ends.
    /// - `ctx` is valid, and nobody has it exclusively, until the nodes were dropped.
    pub(crate) unsafe fn register<'bound>(
        wanted: Nodes,
        dma: DmaDevice<'bound>,
        ctx: *const DriverContext<'bound, D>,
    ) -> Result<Self> {
        // SAFETY: `ctx` is valid, and nobody has it exclusively, until the nodes were dropped, as
        // the caller promises. Their drop revokes the gate, so all this holds until `revoke()` has
        // returned. If a node cannot be registered, they are dropped below.
        let gate = unsafe { DriverGate::new(dma.unbinding().clone(), ctx) }?;
        let mut this = Self {
            gate,
            nodes: KVec::with_capacity(wanted.specs().len(), GFP_KERNEL)?,
        };
        for (index, spec) in (0..).zip(wanted.specs()) {
            // `misc_register()` would log a stack of calls.
            let node = if this.nodes.iter().any(|node| *node.name == *spec.name) {
                Err(EEXIST)
            } else {
                // SAFETY: The nodes are dropped before the binding ends, as the caller promises.
                let node = unsafe { DeviceNode::register(this.gate.clone(), spec, index, dma) };
                KBox::pin_init(node, GFP_KERNEL)
            };
            let node = node.inspect_err(|error| {
                dev_err!(
                    dma.device(),
                    "the node {} cannot be registered: {:?}\n",
                    &*spec.name,
                    error
                )
            })?;
            this.nodes.push(node, GFP_KERNEL)?;
        }
        Ok(this)
    }
}

impl<D: Driver> Drop for DeviceNodes<D> {
    fn drop(&mut self) {
        self.nodes.clear();
        self.gate.revoke();
    }
}

/// A registered device node: a `struct miscdevice`. A drop deregisters it.
///
/// # Invariants
///
/// `misc` is registered. Its `name` points to the string in `name`.
#[pin_data(PinnedDrop)]
struct DeviceNode<D: Driver> {
    gate: DriverGate<D>,
    index: u32,
    name: CString,
    #[pin]
    misc: Opaque<bindings::miscdevice>,
}

// SAFETY:
// - Any task may register and deregister a misc device.
// - Any task may open the node and access the `DriverContext` behind the gate. That is `Send` and
//   `Sync`, as its fields `D::Data`, `DmaDevice` and `Tasks` are.
unsafe impl<D: Driver> Send for DeviceNode<D> {}
// SAFETY: A shared reference to a node gives access to `gate`, `index` and `name` only. The
// `DriverContext` behind the gate is `Sync`, as its fields are.
unsafe impl<D: Driver> Sync for DeviceNode<D> {}

impl<D: Driver> DeviceNode<D> {
    /// Registers a node: `misc_register()`. May sleep.
    ///
    /// Its files enter by `gate`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EBUSY` and others of `misc_register()`.
    ///
    /// # Safety
    ///
    /// The node is dropped before the binding of `dma` ends.
    unsafe fn register<'a>(
        gate: DriverGate<D>,
        spec: &'a NodeSpec,
        index: u32,
        dma: DmaDevice<'a>,
    ) -> impl PinInit<Self, Error> + 'a {
        pin_init::pin_init_scope(move || {
            let name = CString::try_from(&*spec.name)?;
            // The string is on the heap, so the pointer stays valid when the `CString` is moved.
            let name_ptr = name.as_char_ptr();
            let mode = spec.mode;
            // The type `&'static` makes this a constant in memory, not a temporary.
            let fops: &'static bindings::file_operations = &Self::FOPS;

            // INVARIANT: `misc_register()` has succeeded if this initialiser does. `name_ptr`
            // points to the string in `name`.
            Ok(try_pin_init!(Self {
                gate,
                index,
                name,
                // The last field: user space may open the node from then on, which uses the others.
                misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                    let misc = bindings::miscdevice {
                        minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                        name: name_ptr,
                        fops,
                        parent: dma.as_raw(),
                        mode,
                        ..pin_init::zeroed()
                    };
                    // SAFETY: `try_ffi_init()` gives a `slot` that is valid for writing.
                    unsafe { slot.write(misc) };
                    // SAFETY:
                    // - `slot` was just filled in. It is pinned until the drop deregisters it.
                    // - `name_ptr` is valid as long as `name`, a field of the node. The parent is
                    //   valid: the node is dropped before the binding ends. `fops` is static.
                    // - `open()` uses `gate` and `index` only, which are initialised.
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
        poll: if D::Files::HAS_POLL {
            Some(OpenFile::<D>::poll)
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
                        state <- D::Files::open(ctx, node.index),
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
    }
}
