// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_gpu.h` has them.

use crate::{
    common::{
        descriptor::Descriptor,
        handles::FileHandles,
        request::{
            answer,
            flags,
            in_stages,
            inside,
            nothing, //
        },
        table::Walk, //
    },
    mob::GPU_PAGE,
    module_parameters,
    object::{
        Object,
        Undo, //
    },
    state::{
        Mode,
        State, //
    },
    uapi,
    Gpu, //
};
use kernel::{
    mm::virt::VmaNew,
    prelude::*,
    sync::Arc,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};
use sgdma::{
    Bidirectional,
    DmaBuf,
    Door,
    DriverContext,
    FileOps,
    FromDevice, //
};

const MAX_SIZE: u64 = uapi::SGDMA_GPU_MAX_SIZE as u64;
/// The distance between two objects in the offsets that `mmap(2)` takes, as a power of two.
const MMAP_SHIFT: u32 = MAX_SIZE.trailing_zeros();

/// The number of bytes that go between user space and an object at once.
const STAGE: usize = 16 * GPU_PAGE;

/// An open file. The objects belong to the device's data: an object cannot outlive the binding, and
/// a file can.
pub(crate) struct ObjectFile {
    handles: FileHandles,
}

#[vtable]
impl FileOps<Gpu> for ObjectFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_gpu");

    fn open(gpu: &DriverContext<'_, Gpu>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self {
            handles: gpu.objects.open(),
        })
    }

    fn ioctl(&self, door: &Door<'_, Gpu>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_GPU_CREATE => answer(
                arg,
                cmd,
                |request| self.plan(request),
                |plan, written| written.and_then(|()| door.enter(|gpu| self.create(gpu, plan))),
            ),
            uapi::SGDMA_GPU_DESTROY => {
                inside(door, arg, cmd, |gpu, request| self.destroy(gpu, request))
            }
            uapi::SGDMA_GPU_WRITE
            | uapi::SGDMA_GPU_READ
            | uapi::SGDMA_GPU_FETCH
            | uapi::SGDMA_GPU_STORE => answer(
                arg,
                cmd,
                |request| self.transfer(door, cmd, request),
                nothing,
            ),
            uapi::SGDMA_GPU_MAP => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.map(gpu)
            }),
            uapi::SGDMA_GPU_UNMAP => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.unmap()
            }),
            uapi::SGDMA_GPU_BIND => answer(
                arg,
                cmd,
                |request| door.enter(|gpu| self.bind(gpu, request)),
                |bound, written| door.enter(|gpu| self.settle_bind(gpu, bound, written)),
            ),
            uapi::SGDMA_GPU_UNBIND => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.unbind()
            }),
            uapi::SGDMA_GPU_COPY => answer(
                arg,
                cmd,
                |request| door.enter(|gpu| self.plan_copy(gpu, request)),
                |plan, written| written.and_then(|()| door.enter(|gpu| self.copy(gpu, plan))),
            ),
            uapi::SGDMA_GPU_INFO => inside(door, arg, cmd, |gpu, request| self.info(gpu, request)),
            uapi::SGDMA_GPU_EXPORT => answer(
                arg,
                cmd,
                |request| self.plan_export(door, request),
                |descriptor, written| written.map(|()| descriptor.install()),
            ),
            uapi::SGDMA_GPU_IMPORT => answer(
                arg,
                cmd,
                |request| self.plan_import(request),
                |plan, written| written.and_then(|()| door.enter(|gpu| self.import(gpu, plan))),
            ),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }

    fn mmap(&self, gpu: &DriverContext<'_, Gpu>, offset: u64, vma: &VmaNew) -> Result {
        let object = self.object(gpu, u32::try_from(offset >> MMAP_SHIFT)?)?;
        let within = offset & (MAX_SIZE - 1);
        let within = usize::try_from(within)?;
        object.with(|state| state.mmap(within, vma))
    }

    fn release(&self, gpu: &DriverContext<'_, Gpu>) {
        gpu.objects.close(&self.handles);
    }
}

/// The object that `SGDMA_GPU_CREATE` is to make.
struct Plan {
    size: usize,
    mode: Mode,
    handle: u32,
}

impl ObjectFile {
    fn object<'bound>(
        &self,
        gpu: &DriverContext<'bound, Gpu>,
        handle: u32,
    ) -> Result<Arc<Object<'bound>>> {
        gpu.objects.get(&self.handles, handle)
    }

    fn handle<'bound>(
        &self,
        gpu: &DriverContext<'bound, Gpu>,
        request: &uapi::sgdma_gpu_handle,
    ) -> Result<Arc<Object<'bound>>> {
        if request.pad != 0 {
            return Err(EINVAL);
        }
        self.object(gpu, request.handle)
    }

    /// Plans an object. The answer is complete before the object exists.
    fn plan(&self, request: &mut uapi::sgdma_gpu_create) -> Result<Plan> {
        if request.mode == uapi::SGDMA_GPU_MODE_DEFAULT {
            request.mode = sgdma::parameter(&module_parameters::mode);
        }
        let mode = Mode::try_from(request.mode)?;
        let size = object_size(request.size)?;
        request.handle = self.handles.new_handle()?;
        Ok(Plan {
            size,
            mode,
            handle: request.handle,
        })
    }

    fn create(&self, gpu: &DriverContext<'_, Gpu>, plan: Plan) -> Result {
        let object = Object::new(plan.size, plan.mode, gpu.sharing)?;
        gpu.objects.insert(&self.handles, plan.handle, object)
    }

    fn destroy(&self, gpu: &DriverContext<'_, Gpu>, request: &uapi::sgdma_gpu_handle) -> Result {
        self.handle(gpu, request)?;
        gpu.objects.remove(&self.handles, request.handle)
    }

    /// Moves bytes between user space and an object: by the CPU, or page by page by the device.
    ///
    /// User space is accessed outside the gate and without the object's lock: a page fault waits
    /// for `mmap_lock`, and a task in `mmap()` has `mmap_lock` and may wait for the object. So is a
    /// dma-buf, where the CPU's turn waits for other drivers.
    fn transfer(&self, door: &Door<'_, Gpu>, cmd: u32, request: &uapi::sgdma_gpu_io) -> Result {
        let size = door.enter(|gpu| Ok(self.object(gpu, request.handle)?.size))?;
        let by_device = cmd == uapi::SGDMA_GPU_FETCH || cmd == uapi::SGDMA_GPU_STORE;
        let end = request.offset.checked_add(request.len).ok_or(EINVAL)?;
        let unaligned = by_device && (request.offset | request.len) % GPU_PAGE as u64 != 0;
        if request.pad != 0 || end > size as u64 || unaligned {
            return Err(EINVAL);
        }
        let (at, len) = (request.offset as usize, request.len as usize);

        let user = UserPtr::from_addr(usize::try_from(request.user)?);
        let (mut reader, mut writer) = UserSlice::new(user, len).reader_writer();
        in_stages(at, len, STAGE, |at, part| {
            if cmd == uapi::SGDMA_GPU_WRITE || cmd == uapi::SGDMA_GPU_STORE {
                reader.read_slice(part)?;
            }
            let dma_buf = door.enter(|gpu| {
                let object = self.object(gpu, request.handle)?;
                let engine = &gpu.engine;
                match cmd {
                    uapi::SGDMA_GPU_READ => return object.with(|state| state.read(at, part)),
                    uapi::SGDMA_GPU_WRITE => return object.with(|state| state.write(at, part)),
                    uapi::SGDMA_GPU_FETCH => {
                        object.by_device(gpu, at, part, |addr, page| engine.fetch(addr, page))?;
                    }
                    _ => object.by_device(gpu, at, part, |addr, page| engine.store(addr, page))?,
                }
                Ok(None)
            })?;
            match dma_buf {
                None => {}
                Some(buf) if cmd == uapi::SGDMA_GPU_READ => {
                    buf.for_cpu(FromDevice)?.copy_to_slice(at, part)?;
                }
                // Both ways: the bytes beside the written ones stay what a device has made them.
                Some(buf) => buf.for_cpu(Bidirectional)?.copy_from_slice(at, part)?,
            }
            if cmd == uapi::SGDMA_GPU_READ || cmd == uapi::SGDMA_GPU_FETCH {
                writer.write_slice(part)?;
            }
            Ok(())
        })
    }

    fn bind(
        &self,
        gpu: &DriverContext<'_, Gpu>,
        request: &mut uapi::sgdma_gpu_bind,
    ) -> Result<(u32, Undo)> {
        let object = self.object(gpu, request.handle)?;
        object.with(|state| {
            let undo = object.bind(state, request.entry_bits, gpu)?;
            let mob = state.mob.as_ref().ok_or(EINVAL)?;
            request.root = mob.root();
            request.first = mob.first();
            request.level = mob.tables.levels() as u32;
            request.table_pages = mob.tables.pages() as u32;
            Ok((request.handle, undo))
        })
    }

    fn settle_bind(
        &self,
        gpu: &DriverContext<'_, Gpu>,
        (handle, undo): (u32, Undo),
        written: Result,
    ) -> Result {
        self.object(gpu, handle)?.settle_bind(undo, written)
    }

    /// Plans a copy. A copy cannot be undone, so the answer is written before the copy is made.
    fn plan_copy(
        &self,
        gpu: &DriverContext<'_, Gpu>,
        request: &mut uapi::sgdma_gpu_copy,
    ) -> Result<(u32, u32)> {
        let size = self.object(gpu, request.src)?.size;
        request.pages = (size / GPU_PAGE) as u64;
        Ok((request.src, request.dst))
    }

    /// Makes the device copy one object to another. The device finds both by their page tables.
    fn copy(&self, gpu: &DriverContext<'_, Gpu>, (src, dst): (u32, u32)) -> Result {
        let same = src == dst;
        let (src, dst) = (self.object(gpu, src)?, self.object(gpu, dst)?);
        if same || src.size != dst.size {
            return Err(EINVAL);
        }
        let mut src_state = src.take()?;
        let mut dst_state = match dst.take() {
            Ok(state) => state,
            Err(error) => {
                src.give_back(src_state);
                return Err(error);
            }
        };
        let result = match (&src_state.mob, &dst_state.mob) {
            (Some(from), Some(to)) => {
                let engine = &gpu.engine;
                let mut from = Walk::new(engine, &from.tables);
                let mut to = Walk::new(engine, &to.tables);
                (0..src.size / GPU_PAGE).try_for_each(|n| {
                    src_state.check()?;
                    dst_state.check()?;
                    engine.copy_all(from.block(n)?, to.block(n)?, GPU_PAGE)
                })
            }
            _ => Err(EINVAL),
        };
        if result == Err(ETIMEDOUT) {
            src_state.leak();
            dst_state.leak();
        }
        src.give_back(src_state);
        dst.give_back(dst_state);
        result
    }

    /// Reserves a descriptor. The descriptor opens the file once user space was told its number.
    fn plan_export(
        &self,
        door: &Door<'_, Gpu>,
        request: &mut uapi::sgdma_gpu_export,
    ) -> Result<Descriptor> {
        if request.pad != 0 {
            return Err(EINVAL);
        }
        let buffer = door.enter(|gpu| {
            self.object(gpu, request.handle)?
                .with(|state| state.dma_buf())
        })?;
        Descriptor::reserve(&buffer, &mut request.fd)
    }

    /// Plans an object of a dma-buf, as [`plan`](Self::plan) does.
    fn plan_import(&self, request: &mut uapi::sgdma_gpu_import) -> Result<(DmaBuf, u32)> {
        let fd = u32::try_from(request.fd).map_err(|_| EBADF)?;
        let dma_buf = DmaBuf::from_fd(fd)?;
        request.size = dma_buf.len() as u64;
        object_size(request.size)?;
        request.handle = self.handles.new_handle()?;
        Ok((dma_buf, request.handle))
    }

    fn import(&self, gpu: &DriverContext<'_, Gpu>, (dma_buf, handle): (DmaBuf, u32)) -> Result {
        let object = Object::import(dma_buf, gpu.sharing.dma())?;
        gpu.objects.insert(&self.handles, handle, object)
    }

    fn info(&self, gpu: &DriverContext<'_, Gpu>, request: &mut uapi::sgdma_gpu_info) -> Result {
        if request.pad != 0 {
            return Err(EINVAL);
        }
        let object = self.object(gpu, request.handle)?;
        request.mode = object.mode as u32;
        request.size = object.size as u64;
        request.mmap_offset = u64::from(request.handle) << MMAP_SHIFT;
        object.with(|state| {
            request.describe(state);
            Ok(())
        })
    }
}

/// Returns the size of an object, unless no object can have that size.
fn object_size(size: u64) -> Result<usize> {
    if size == 0 || size % GPU_PAGE as u64 != 0 {
        return Err(EINVAL);
    }
    if size > MAX_SIZE {
        return Err(EFBIG);
    }
    Ok(usize::try_from(size)?)
}

impl uapi::sgdma_gpu_info {
    fn describe(&mut self, state: &State<'_>) {
        let (orig_nents, nents) = state.segments();
        self.state = flags([
            (state.is_mapped(), uapi::SGDMA_GPU_MAPPED),
            (state.is_shared(), uapi::SGDMA_GPU_SHARED),
            (state.mob.is_some(), uapi::SGDMA_GPU_BOUND),
        ]);
        self.orig_nents = orig_nents as u32;
        self.nents = nents as u32;
    }
}
