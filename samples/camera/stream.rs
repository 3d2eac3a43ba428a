// SPDX-License-Identifier: GPL-2.0

//! A stream: the format, the buffers and the queue of one open file.

use crate::{
    buffer::FrameBuffer,
    capture::{
        Sensor,
        Shot, //
    },
    format::Format,
    frame_table::MAX_BUFFERS,
    queue::Queue,
    CameraData, //
};
use kernel::{
    mm::virt::VmaNew,
    new_mutex,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc,
        Mutex, //
    },
};
use sgdma::{
    DmaBuf,
    FromDevice, //
};

/// A frame that was captured.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) index: usize,
    pub(crate) sequence: u32,
    pub(crate) picture: u32,
    pub(crate) bytes_used: usize,
    /// The frame was as long as the format says.
    pub(crate) right: bool,
}

struct State<'bound> {
    format: Option<Format>,
    /// `None` while there are no buffers. Dropped before the buffers: the frame table has the
    /// addresses of their lists.
    queue: Option<Queue>,
    buffers: KVec<FrameBuffer<'bound>>,
    /// The number of frames since the stream was switched on, or `None` while the stream is off.
    sequence: Option<u32>,
    /// The device writes to the first buffer of the queue, or user space is being told of the frame
    /// in that buffer.
    capturing: bool,
    /// The frame in the first buffer, until user space was told of the frame.
    frame: Option<Frame>,
}

impl<'bound> State<'bound> {
    /// Returns `EBUSY` while a frame is being captured: the stream must not change meanwhile.
    fn at_rest(&self) -> Result {
        if self.capturing {
            return Err(EBUSY);
        }
        Ok(())
    }

    fn buffer(&mut self, index: usize) -> Result<&mut FrameBuffer<'bound>> {
        self.buffers.get_mut(index).ok_or(EINVAL)
    }

    /// Begins the capture of a frame. Returns what the device has to know of the frame.
    fn start(&mut self, sensor: Sensor) -> Result<Shot> {
        let (Some(format), Some(queue), Some(sequence)) = (self.format, &self.queue, self.sequence)
        else {
            return Err(EINVAL);
        };
        if queue.is_empty() {
            return Err(EAGAIN);
        }
        self.capturing = true;
        Ok(Shot {
            entry: queue.first_entry(),
            format,
            sequence: sequence as u16,
            sensor,
        })
    }

    /// Takes the result of the capture of a frame, which the device has written or given up.
    fn finish(&mut self, shot: &Shot, result: Result) -> Result<Frame> {
        let frame = self.captured(shot, result);
        self.frame = frame.as_ref().ok().copied();
        self.capturing = frame.is_ok();
        frame
    }

    /// Returns the frame in the first buffer. Leaks all that the frame table leads to if the device
    /// did not answer.
    fn captured(&mut self, shot: &Shot, result: Result) -> Result<Frame> {
        let (Some(queue), Some(sequence)) = (&mut self.queue, self.sequence) else {
            return Err(EINVAL);
        };
        if result == Err(ETIMEDOUT) {
            queue.leak();
            let queued = self.buffers.iter_mut().filter(|buffer| buffer.queued);
            queued.for_each(FrameBuffer::leak);
        }
        result?;
        let (index, entry) = queue.peek()?;
        let size = shot.format.layout.size;
        Ok(Frame {
            index,
            sequence,
            picture: shot.sensor.picture,
            bytes_used: entry.bytes().min(size),
            right: !entry.is_valid() && entry.bytes() == size && entry.frame() == shot.sequence,
        })
    }

    /// Takes the first buffer off the queue if user space was told of its frame. Otherwise the
    /// buffer stays the first one, and the next request gets the same frame.
    fn settle(&mut self, told: Result) -> Result {
        self.capturing = false;
        told?;
        self.pop()?;
        self.sequence = self.sequence.map(|n| n.wrapping_add(1));
        Ok(())
    }

    fn pop(&mut self) -> Result {
        let index = self.queue.as_mut().ok_or(EINVAL)?.pop()?;
        self.buffers[index].queued = false;
        self.buffers[index].end();
        self.frame = None;
        Ok(())
    }

    fn clear_queue(&mut self) -> Result {
        while self.queue.as_ref().is_some_and(|queue| !queue.is_empty()) {
            self.pop()?;
        }
        Ok(())
    }
}

/// The stream of one open file.
#[pin_data]
pub(crate) struct Stream<'bound> {
    /// Whoever has the lock does not access user space: `mmap()` takes the lock under `mmap_lock`.
    #[pin]
    state: Mutex<State<'bound>>,
}

impl<'bound> Stream<'bound> {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let state = State {
            format: None,
            buffers: KVec::new(),
            queue: None,
            sequence: None,
            capturing: false,
            frame: None,
        };
        Arc::pin_init(
            try_pin_init!(Self { state <- new_mutex!(state) }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Sets the format. There must be no buffers, which have the size of a frame.
    pub(crate) fn set_format(&self, format: Format) -> Result {
        let mut state = self.state.lock();
        if !state.buffers.is_empty() {
            return Err(EBUSY);
        }
        state.format = Some(format);
        Ok(())
    }

    /// Replaces the buffers. User space keeps the pages that are mapped there.
    pub(crate) fn request(
        &self,
        camera: &CameraData<'bound>,
        count: usize,
        contiguous: bool,
    ) -> Result {
        let (sharing, dummy) = (camera.sharing, camera.dummy.lock().numbers());
        let mut state = self.state.lock();
        state.at_rest()?;
        if state.sequence.is_some() {
            return Err(EBUSY);
        }
        let layout = state.format.ok_or(EINVAL)?.layout;
        if count > MAX_BUFFERS {
            return Err(EINVAL);
        }
        // The queue goes first: the frame table has the addresses of the buffers' lists.
        state.queue = None;
        state.buffers = KVec::new();
        if count == 0 {
            return Ok(());
        }
        let queue = Queue::new(sharing.dma(), dummy)?;
        let mut buffers = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            let buffer = FrameBuffer::new(sharing, layout, contiguous, dummy)?;
            buffers.push(buffer, GFP_KERNEL_ACCOUNT)?;
        }
        state.buffers = buffers;
        state.queue = Some(queue);
        Ok(())
    }

    /// Calls `look` with a buffer.
    pub(crate) fn with_buffer<R>(
        &self,
        index: usize,
        look: impl FnOnce(&FrameBuffer<'bound>) -> Result<R>,
    ) -> Result<R> {
        look(self.state.lock().buffer(index)?)
    }

    pub(crate) fn queue(&self, camera: &CameraData<'bound>, index: usize) -> Result {
        let (dma, dummy) = (camera.sharing.dma(), camera.dummy.lock().numbers());
        let state = &mut *self.state.lock();
        let layout = state.format.ok_or(EINVAL)?.layout;
        let buffer = state.buffers.get_mut(index).ok_or(EINVAL)?;
        if buffer.queued {
            return Err(EBUSY);
        }
        let queue = state.queue.as_mut().ok_or(EINVAL)?;
        buffer.begin(dma, layout, dummy)?;
        queue.push(index, buffer).inspect_err(|_| buffer.end())?;
        buffer.queued = true;
        Ok(())
    }

    /// Takes a dma-buf in place of the pages of a buffer.
    pub(crate) fn import(&self, index: usize, dma_buf: &DmaBuf) -> Result {
        self.state.lock().buffer(index)?.import(dma_buf)
    }

    pub(crate) fn switch(&self, on: bool) -> Result {
        let mut state = self.state.lock();
        state.at_rest()?;
        match (on, state.sequence) {
            (true, Some(_)) => return Err(EBUSY),
            (true, None) if state.queue.is_none() => return Err(EINVAL),
            (true, None) => state.sequence = Some(0),
            (false, _) => {
                state.sequence = None;
                state.clear_queue()?;
            }
        }
        Ok(())
    }

    /// Makes the device write a frame to the first buffer of the queue, unless that buffer has a
    /// frame of which user space was not told.
    ///
    /// [`settle`](Self::settle) has to follow.
    pub(crate) fn capture(
        &self,
        camera: &CameraData<'bound>,
        line_step: usize,
        long: bool,
    ) -> Result<Frame> {
        let mut state = self.state.lock();
        state.at_rest()?;
        if let Some(frame) = state.frame {
            state.capturing = true;
            return Ok(frame);
        }
        let shot = state.start(Sensor {
            picture: camera.pictures.fetch_add(1, Relaxed),
            line_step: line_step.max(1),
            long,
        })?;
        drop(state);
        let result = camera.capture(&shot);
        if result == Err(ETIMEDOUT) {
            camera.dummy.lock().leak();
        }
        self.state.lock().finish(&shot, result)
    }

    /// Ends a capture. `told` says whether user space was told of the frame.
    pub(crate) fn settle(&self, told: Result) -> Result {
        self.state.lock().settle(told)
    }

    /// Copies from a buffer that is not queued. Returns the number of bytes.
    pub(crate) fn read(&self, index: usize, at: usize, bytes: &mut [u8]) -> Result<usize> {
        let mut state = self.state.lock();
        let buffer = state.buffer(index)?;
        if buffer.queued {
            return Err(EBUSY);
        }
        let n = buffer.len.saturating_sub(at).min(bytes.len());
        if n == 0 {
            return Ok(0);
        }
        let dma_buf = buffer.read(at, &mut bytes[..n])?;
        drop(state);
        if let Some(dma_buf) = dma_buf {
            dma_buf
                .for_cpu(FromDevice)?
                .copy_to_slice(at, &mut bytes[..n])?;
        }
        Ok(n)
    }

    pub(crate) fn mmap(&self, index: usize, offset: usize, vma: &VmaNew) -> Result {
        self.with_buffer(index, |buffer| buffer.mmap(offset, vma))
    }
}
