// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_camera.h` has them.

use crate::{
    common::request::{
        answer,
        flags,
        inside,
        nothing, //
    },
    device_page::DEVICE_PAGE,
    format::Format,
    stream::Stream,
    uapi,
    Camera, //
};
use kernel::{
    iov::IovIterDest,
    mm::virt::VmaNew,
    prelude::*,
    rbtree::RBTreeNode,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};
use sgdma::{
    DmaBuf,
    Door,
    DriverContext, //
    FileOps,
};

/// The distance between two buffers in the file and in the offsets that `mmap(2)` takes, as a power
/// of two. The lists have entries for 32 MiB.
const BUFFER_SHIFT: u32 = 25;

/// The number of bytes that go from a buffer to user space at once.
const STAGE: usize = 16 * DEVICE_PAGE;

/// An open file. The stream belongs to the device's data: a stream cannot outlive the binding, and
/// a file can.
pub(crate) struct CameraFile {
    number: u64,
}

#[vtable]
impl FileOps<Camera> for CameraFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_camera");

    fn open(camera: &DriverContext<'_, Camera>, _node: u32) -> impl PinInit<Self, Error> {
        let number = camera.files.fetch_add(1, Relaxed);
        let node = RBTreeNode::new(number, Stream::new()?, GFP_KERNEL_ACCOUNT)?;
        camera.streams.lock().insert(node);
        Ok::<_, Error>(Self { number })
    }

    fn ioctl(&self, door: &Door<'_, Camera>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_CAMERA_FORMAT => answer(arg, cmd, plan_format, |format, written| {
                written.and_then(|()| door.enter(|camera| self.stream(camera)?.set_format(format)))
            }),
            uapi::SGDMA_CAMERA_REQUEST => inside(
                door,
                arg,
                cmd,
                |camera, request: &mut uapi::sgdma_camera_request| {
                    let contiguous = flag(request.contiguous)?;
                    self.stream(camera)?
                        .request(camera, request.count as usize, contiguous)
                },
            ),
            uapi::SGDMA_CAMERA_QUERY => inside(door, arg, cmd, |camera, request| {
                query(camera, &*self.stream(camera)?, request)
            }),
            uapi::SGDMA_CAMERA_QUEUE => inside(
                door,
                arg,
                cmd,
                |camera, request: &mut uapi::sgdma_camera_index| {
                    no_pad(request.pad)?;
                    self.stream(camera)?.queue(camera, request.index as usize)
                },
            ),
            uapi::SGDMA_CAMERA_STREAM => inside(
                door,
                arg,
                cmd,
                |camera, request: &mut uapi::sgdma_camera_stream| {
                    no_pad(request.pad)?;
                    self.stream(camera)?.switch(flag(request.on)?)
                },
            ),
            uapi::SGDMA_CAMERA_DEQUEUE => answer(
                arg,
                cmd,
                |request| door.enter(|camera| capture(camera, &*self.stream(camera)?, request)),
                |(), written| door.enter(|camera| self.stream(camera)?.settle(written)),
            ),
            uapi::SGDMA_CAMERA_IMPORT => {
                answer(arg, cmd, |request| self.import(door, request), nothing)
            }
            uapi::SGDMA_CAMERA_DUMMY => {
                answer(arg, cmd, |request| show_dummy(door, request), nothing)
            }
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }

    fn read(
        &self,
        camera: &DriverContext<'_, Camera>,
        pos: &mut i64,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        let stream = self.stream(camera)?;
        let (index, mut at) = place(u64::try_from(*pos)?)?;
        let mut stage = KVVec::from_elem(0u8, STAGE.min(dst.len()), GFP_KERNEL)?;
        let mut done = 0;
        while !dst.is_empty() {
            // User space is accessed without the stream's lock, but behind the gate: unbinding
            // waits for this access. See `FileOps`.
            let part = stage.len().min(dst.len());
            let n = match stream.read(index, at, &mut stage[..part]) {
                Ok(0) => break,
                Ok(n) => n,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            };
            let copied = dst.copy_to_iter(&stage[..n]);
            at += copied;
            done += copied;
            if copied < n {
                if done == 0 {
                    return Err(EFAULT);
                }
                break;
            }
        }
        *pos += done as i64;
        Ok(done)
    }

    fn mmap(&self, camera: &DriverContext<'_, Camera>, offset: u64, vma: &VmaNew) -> Result {
        let (index, within) = place(offset)?;
        self.stream(camera)?.mmap(index, within, vma)
    }

    fn release(&self, camera: &DriverContext<'_, Camera>) {
        // Dropped below, not under the lock.
        let stream = camera.streams.lock().remove(&self.number);
        drop(stream);
    }
}

impl CameraFile {
    fn stream<'bound>(
        &self,
        camera: &DriverContext<'bound, Camera>,
    ) -> Result<Arc<Stream<'bound>>> {
        camera
            .streams
            .lock()
            .get(&self.number)
            .cloned()
            .ok_or(ENODEV)
    }

    fn import(&self, door: &Door<'_, Camera>, request: &uapi::sgdma_camera_import) -> Result {
        let fd = u32::try_from(request.fd).map_err(|_| EBADF)?;
        // Outside of the gate: the last reference frees the dma-buf, which is work of the exporter.
        let dma_buf = DmaBuf::from_fd(fd)?;
        let index = request.index as usize;
        door.enter(|camera| self.stream(camera)?.import(index, &dma_buf))
    }
}

/// Returns the index of the buffer at a file offset, and the offset in that buffer.
fn place(offset: u64) -> Result<(usize, usize)> {
    let within = offset & ((1 << BUFFER_SHIFT) - 1);
    Ok((
        usize::try_from(offset >> BUFFER_SHIFT)?,
        usize::try_from(within)?,
    ))
}

/// Returns `EINVAL` unless a padding field is zero.
fn no_pad(pad: u32) -> Result {
    if pad != 0 {
        return Err(EINVAL);
    }
    Ok(())
}

fn flag(value: u32) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(EINVAL),
    }
}

/// Plans a format. The answer is complete before the format is set.
fn plan_format(request: &mut uapi::sgdma_camera_format) -> Result<Format> {
    no_pad(request.pad)?;
    let format = Format::new(
        request.width,
        request.height,
        request.bytes_per_line,
        request.data_offset,
    )?;
    request.bytes_per_line = format.bytes_per_line as u32;
    request.size = format.layout.size as u32;
    request.lists = format.layout.lists() as u32;
    request.entries = format.layout.entries() as u32;
    Ok(format)
}

fn query(
    camera: &DriverContext<'_, Camera>,
    stream: &Stream<'_>,
    request: &mut uapi::sgdma_camera_buffer,
) -> Result {
    no_pad(request.pad)?;
    request.dummy = camera.dummy.lock().numbers().page;
    request.mmap_offset = u64::from(request.index) << BUFFER_SHIFT;
    stream.with_buffer(request.index as usize, |buffer| {
        let (orig_nents, nents) = buffer.segments();
        request.state = flags([
            (buffer.queued, uapi::SGDMA_CAMERA_QUEUED),
            (buffer.is_shared(), uapi::SGDMA_CAMERA_SHARED),
            (buffer.is_imported(), uapi::SGDMA_CAMERA_IMPORTED),
        ]);
        request.length = buffer.len as u32;
        request.orig_nents = orig_nents as u32;
        request.nents = nents as u32;
        (request.first, request.last) = buffer
            .lists()
            .map_or(([0; 4], 0), |lists| (lists.first, lists.last));
        Ok(())
    })
}

fn capture<'bound>(
    camera: &DriverContext<'bound, Camera>,
    stream: &Stream<'bound>,
    request: &mut uapi::sgdma_camera_frame,
) -> Result {
    if request.flags & !uapi::SGDMA_CAMERA_LONG != 0 {
        return Err(EINVAL);
    }
    let long = request.flags & uapi::SGDMA_CAMERA_LONG != 0;
    let frame = stream.capture(camera, request.line_step as usize, long)?;
    request.flags = flags([(!frame.right, uapi::SGDMA_CAMERA_ERROR)]);
    request.index = frame.index as u32;
    request.sequence = frame.sequence;
    request.picture = frame.picture;
    request.bytes_used = frame.bytes_used as u32;
    Ok(())
}

fn show_dummy(door: &Door<'_, Camera>, request: &uapi::sgdma_camera_dummy) -> Result {
    let mut page = KBox::new([0u8; DEVICE_PAGE], GFP_KERNEL)?;
    door.enter(|camera| camera.dummy.lock().read(&mut page))?;
    let user = UserPtr::from_addr(usize::try_from(request.user)?);
    UserSlice::new(user, DEVICE_PAGE)
        .writer()
        .write_slice(&page[..])
}
