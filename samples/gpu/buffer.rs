// SPDX-License-Identifier: GPL-2.0

//! What user space opens: a source and a destination buffer, and a copy between them by the device.
//!
//! The requests are those of `sgdma_gpu.h`. Writing fills the source and reading shows the
//! destination, both at the file's position.

use crate::{
    edu,
    Gpu,
    GpuData, //
};
use kernel::{
    current,
    dma::DmaAddress,
    ioctl::{
        _IOC_SIZE,
        _IOR,
        _IOW, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Mutex, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use sgdma::{
    FileOps,
    FromDevice,
    Lent,
    Refused,
    SgTable,
    ToDevice, //
};
use zerocopy_derive::{
    Immutable,
    IntoBytes, //
};

/// `struct sgdma_gpu_copy`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct CopyInfo {
    bytes: u64,
    pages: u32,
    src_orig_nents: u32,
    src_nents: u32,
    dst_orig_nents: u32,
    dst_nents: u32,
    reserved: u32,
}

const SGDMA_GPU_CREATE: u32 = _IOW::<u64>('G' as u32, 0xe0);
const SGDMA_GPU_COPY: u32 = _IOR::<CopyInfo>('G' as u32, 0xe1);

/// The largest buffer, in bytes: the device takes 0.4 s for each page of it.
const MAX_SIZE: u64 = 256 << 20;

/// How many bytes go between user space and a buffer at once.
const STAGE: usize = 16 * PAGE_SIZE;

/// The buffers are whole pages, whatever size was asked for: the engine is given the addresses of
/// pages, and a segment that is shorter need not begin where its page does.
struct Buffers {
    size: usize,
    src: SgTable,
    dst: SgTable,
}

enum State {
    /// Nothing was created yet, or it was lost to a device that hangs.
    Empty,
    Ready(Buffers),
    /// The device has them.
    Copying,
}

impl State {
    fn ready(&mut self) -> Result<&mut Buffers> {
        match self {
            State::Empty => Err(ENXIO),
            State::Ready(buffers) => Ok(buffers),
            State::Copying => Err(EBUSY),
        }
    }

    /// Takes the buffers away for copying.
    fn take(&mut self) -> Result<Buffers> {
        self.ready()?;
        match core::mem::replace(self, State::Copying) {
            State::Ready(buffers) => Ok(buffers),
            _ => Err(ENXIO),
        }
    }
}

/// One open file.
#[pin_data]
pub(crate) struct BufferFile {
    #[pin]
    state: Mutex<State>,
}

#[vtable]
impl FileOps<Gpu> for BufferFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_gpu");

    fn open(_gpu: &Lent<'_, Gpu>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            state <- new_mutex!(State::Empty),
        })
    }

    fn write(
        &self,
        _gpu: &Lent<'_, Gpu>,
        pos: &mut i64,
        from: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut stage = KVVec::from_elem(0u8, STAGE, GFP_KERNEL)?;
        let mut state = self.state.lock();
        let Buffers { size, src, .. } = state.ready()?;

        let start = usize::try_from(*pos)?;
        let room = size.saturating_sub(start);
        if room == 0 && !from.is_empty() {
            return Err(ENOSPC);
        }
        let mut done = 0;
        while done < room {
            let n = from.copy_from_iter(&mut stage[..STAGE.min(room - done)]);
            if n == 0 {
                break;
            }
            src.copy_from_slice(start + done, &stage[..n])?;
            done += n;
        }
        if done == 0 && !from.is_empty() {
            return Err(EFAULT);
        }
        *pos += done as i64;
        Ok(done)
    }

    fn read(&self, _gpu: &Lent<'_, Gpu>, pos: &mut i64, to: &mut IovIterDest<'_>) -> Result<usize> {
        let mut stage = KVVec::from_elem(0u8, STAGE, GFP_KERNEL)?;
        let mut state = self.state.lock();
        let Buffers { size, dst, .. } = state.ready()?;

        let start = usize::try_from(*pos)?;
        let there = size.saturating_sub(start).min(to.len());
        let mut done = 0;
        while done < there {
            let n = STAGE.min(there - done);
            dst.copy_to_slice(start + done, &mut stage[..n])?;
            let copied = to.copy_to_iter(&stage[..n]);
            done += copied;
            if copied < n {
                break;
            }
        }
        if done == 0 && there > 0 {
            return Err(EFAULT);
        }
        *pos += done as i64;
        Ok(done)
    }

    fn ioctl(&self, gpu: &Lent<'_, Gpu>, cmd: u32, arg: usize) -> Result<isize> {
        let user = UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd));
        match cmd {
            SGDMA_GPU_CREATE => self.create(gpu, user.reader().read()?)?,
            SGDMA_GPU_COPY => user.writer().write_slice(self.copy(gpu)?.as_bytes())?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

impl BufferFile {
    /// Makes buffers of `size` bytes in place of those there were.
    fn create(&self, gpu: &Lent<'_, Gpu>, size: u64) -> Result {
        if size == 0 {
            return Err(EINVAL);
        }
        if size > MAX_SIZE {
            return Err(EFBIG);
        }
        let size = usize::try_from(size)?;
        let len = size.next_multiple_of(PAGE_SIZE);
        let buffers = Buffers {
            size,
            src: SgTable::alloc(len, gpu.dma(), GFP_KERNEL_ACCOUNT)?,
            dst: SgTable::alloc(len, gpu.dma(), GFP_KERNEL_ACCOUNT)?,
        };
        match &mut *self.state.lock() {
            State::Copying => Err(EBUSY),
            state => {
                *state = State::Ready(buffers);
                Ok(())
            }
        }
    }

    /// Has the device copy the source to the destination.
    fn copy(&self, gpu: &Lent<'_, Gpu>) -> Result<CopyInfo> {
        let buffers = self.state.lock().take()?;
        let (buffers, result) = copy(gpu, buffers);
        *self.state.lock() = buffers.map_or(State::Empty, State::Ready);
        result
    }
}

/// Copies page by page. The buffers come back, unless the device may still be working on them.
fn copy(gpu: &Lent<'_, Gpu>, buffers: Buffers) -> (Option<Buffers>, Result<CopyInfo>) {
    let Buffers { size, src, dst } = buffers;
    let src = match src.map(gpu.dma(), ToDevice) {
        Ok(src) => src,
        Err(Refused { error, buffer: src }) => {
            return (Some(Buffers { size, src, dst }), Err(error));
        }
    };
    let dst = match dst.map(gpu.dma(), FromDevice) {
        Ok(dst) => dst,
        Err(Refused { error, buffer: dst }) => {
            let src = src.unmap();
            return (Some(Buffers { size, src, dst }), Err(error));
        }
    };

    let (src, dst) = (src.submit(), dst.submit());
    let mut result = Ok(());
    let mut pages = 0;
    for (from, to) in src.dma_pages().zip(dst.dma_pages()) {
        result = copy_page(gpu, from, to);
        if result.is_err() {
            break;
        }
        pages += 1;
    }
    if result == Err(ETIMEDOUT) {
        // In flight for good: dropping them here leaks them, with a line in the log.
        return (None, Err(ETIMEDOUT));
    }

    let info = CopyInfo {
        bytes: size as u64,
        pages,
        src_orig_nents: src.cpu().orig_nents() as u32,
        src_nents: src.nents() as u32,
        dst_orig_nents: dst.cpu().orig_nents() as u32,
        dst_nents: dst.nents() as u32,
        reserved: 0,
    };
    let (src, dst) = (src.complete().unmap(), dst.complete().unmap());
    (Some(Buffers { size, src, dst }), result.map(|()| info))
}

fn copy_page(gpu: &GpuData<'_>, from: DmaAddress, to: DmaAddress) -> Result {
    for offset in (0..PAGE_SIZE).step_by(edu::CHUNK) {
        gpu.may_go_on()?;
        let offset = offset as DmaAddress;
        gpu.engine.copy(from + offset, to + offset, edu::CHUNK)?;
    }
    Ok(())
}

impl GpuData<'_> {
    /// Between two transfers, when the device is idle: whether to start the next.
    fn may_go_on(&self) -> Result {
        if self.leaving.load(Relaxed) {
            return Err(ENODEV);
        }
        if current!().signal_pending() {
            return Err(EINTR);
        }
        Ok(())
    }
}
