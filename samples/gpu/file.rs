// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_gpu.h` has them.

use crate::{
    common::{
        handles::FileHandles,
        request::{
            answer,
            in_stages,
            inside,
            nothing,
            requests, //
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
    Gpu, //
};
use kernel::{
    ioctl::{
        _IOW,
        _IOWR, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::Arc,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};
use sgdma::{
    Door,
    DriverContext, //
    FileOps,
};

requests! {
    Create { size: u64, mode: u32, handle: u32 }
    Handle { handle: u32, pad: u32 }
    Bind { handle: u32, entry_bits: u32, root: u64, first: u64, level: u32, table_pages: u32 }
    Transfer { handle: u32, pad: u32, offset: u64, len: u64, user: u64 }
    Copy { src: u32, dst: u32, pages: u64 }
    Info {
        handle: u32, mode: u32, size: u64, mmap_offset: u64,
        state: u32, orig_nents: u32, nents: u32, pad: u32,
    }
}

const CREATE: u32 = _IOWR::<Create>('G' as u32, 0xe0);
const DESTROY: u32 = _IOW::<Handle>('G' as u32, 0xe1);
const WRITE: u32 = _IOW::<Transfer>('G' as u32, 0xe2);
const READ: u32 = _IOW::<Transfer>('G' as u32, 0xe3);
const MAP: u32 = _IOW::<Handle>('G' as u32, 0xe4);
const UNMAP: u32 = _IOW::<Handle>('G' as u32, 0xe5);
const BIND: u32 = _IOWR::<Bind>('G' as u32, 0xe6);
const UNBIND: u32 = _IOW::<Handle>('G' as u32, 0xe7);
const FETCH: u32 = _IOW::<Transfer>('G' as u32, 0xe8);
const STORE: u32 = _IOW::<Transfer>('G' as u32, 0xe9);
const COPY: u32 = _IOWR::<Copy>('G' as u32, 0xea);
const INFO: u32 = _IOWR::<Info>('G' as u32, 0xeb);

const MAPPED: u32 = 1;
const SHARED: u32 = 2;
const BOUND: u32 = 4;

const MAX_SIZE: u64 = 256 << 20;
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

    fn open(gpu: &DriverContext<'_, Gpu>) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self {
            handles: gpu.objects.open(),
        })
    }

    fn ioctl(&self, door: &Door<'_, Gpu>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            CREATE => answer(
                arg,
                cmd,
                |request| self.plan(request),
                |plan, written| written.and_then(|()| door.enter(|gpu| self.create(gpu, plan))),
            ),
            DESTROY => inside(door, arg, cmd, |gpu, request| self.destroy(gpu, request)),
            WRITE | READ | FETCH | STORE => answer(
                arg,
                cmd,
                |request| self.transfer(door, cmd, request),
                nothing,
            ),
            MAP => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.map()
            }),
            UNMAP => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.unmap()
            }),
            BIND => answer(
                arg,
                cmd,
                |request| door.enter(|gpu| self.bind(gpu, request)),
                |bound, written| door.enter(|gpu| self.settle_bind(gpu, bound, written)),
            ),
            UNBIND => inside(door, arg, cmd, |gpu, request| {
                self.handle(gpu, request)?.unbind()
            }),
            COPY => answer(
                arg,
                cmd,
                |request| door.enter(|gpu| self.plan_copy(gpu, request)),
                |plan, written| written.and_then(|()| door.enter(|gpu| self.copy(gpu, plan))),
            ),
            INFO => inside(door, arg, cmd, |gpu, request| self.info(gpu, request)),
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

/// The object that `CREATE` is to make.
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
        request: &Handle,
    ) -> Result<Arc<Object<'bound>>> {
        if request.pad != 0 {
            return Err(EINVAL);
        }
        self.object(gpu, request.handle)
    }

    /// Plans an object. The answer is complete before the object exists.
    fn plan(&self, request: &mut Create) -> Result<Plan> {
        if request.mode == 0 {
            request.mode = *module_parameters::mode.value();
        }
        let mode = Mode::try_from(request.mode)?;
        if request.size == 0 || request.size % GPU_PAGE as u64 != 0 {
            return Err(EINVAL);
        }
        if request.size > MAX_SIZE {
            return Err(EFBIG);
        }
        let size = usize::try_from(request.size)?;
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

    fn destroy(&self, gpu: &DriverContext<'_, Gpu>, request: &Handle) -> Result {
        self.handle(gpu, request)?;
        gpu.objects.remove(&self.handles, request.handle)
    }

    /// Moves bytes between user space and an object: by the CPU, or page by page by the device.
    ///
    /// User space is accessed outside the gate and without the object's lock: a page fault waits
    /// for `mmap_lock`, and a task in `mmap()` has `mmap_lock` and may wait for the object.
    fn transfer(&self, door: &Door<'_, Gpu>, cmd: u32, request: &Transfer) -> Result {
        let size = door.enter(|gpu| Ok(self.object(gpu, request.handle)?.size))?;
        let by_device = cmd == FETCH || cmd == STORE;
        let end = request.offset.checked_add(request.len).ok_or(EINVAL)?;
        let unaligned = by_device && (request.offset | request.len) % GPU_PAGE as u64 != 0;
        if request.pad != 0 || end > size as u64 || unaligned {
            return Err(EINVAL);
        }
        let (at, len) = (request.offset as usize, request.len as usize);

        let user = UserPtr::from_addr(usize::try_from(request.user)?);
        let (mut reader, mut writer) = UserSlice::new(user, len).reader_writer();
        in_stages(at, len, STAGE, |at, part| {
            if cmd == WRITE || cmd == STORE {
                reader.read_slice(part)?;
            }
            door.enter(|gpu| {
                let object = self.object(gpu, request.handle)?;
                let engine = &gpu.engine;
                match cmd {
                    READ => object.with(|state| state.read(at, part)),
                    WRITE => object.with(|state| state.write(at, part)),
                    FETCH => object.by_device(gpu, at, part, |addr, page| engine.fetch(addr, page)),
                    _ => object.by_device(gpu, at, part, |addr, page| engine.store(addr, page)),
                }
            })?;
            if cmd == READ || cmd == FETCH {
                writer.write_slice(part)?;
            }
            Ok(())
        })
    }

    fn bind(&self, gpu: &DriverContext<'_, Gpu>, request: &mut Bind) -> Result<(u32, Undo)> {
        let object = self.object(gpu, request.handle)?;
        object.with(|state| {
            let undo = object.bind(state, request.entry_bits)?;
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
    fn plan_copy(&self, gpu: &DriverContext<'_, Gpu>, request: &mut Copy) -> Result<(u32, u32)> {
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
                (0..src.size / GPU_PAGE)
                    .try_for_each(|n| engine.copy_all(from.block(n)?, to.block(n)?, GPU_PAGE))
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

    fn info(&self, gpu: &DriverContext<'_, Gpu>, request: &mut Info) -> Result {
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

impl Info {
    fn describe(&mut self, state: &State<'_>) {
        let (orig_nents, nents) = state.segments();
        self.state = if state.is_mapped() { MAPPED } else { 0 }
            | if state.is_shared() { SHARED } else { 0 }
            | if state.mob.is_some() { BOUND } else { 0 };
        self.orig_nents = orig_nents as u32;
        self.nents = nents as u32;
    }
}
