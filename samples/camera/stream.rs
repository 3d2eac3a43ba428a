// SPDX-License-Identifier: GPL-2.0

//! A stream: the format, the buffers and the queue of one open file.

use crate::{
    buffer::Buffer,
    capture::{
        Sensor,
        Shot, //
    },
    list::{
        Entry,
        FrameTable,
        Layout,
        MAX_BUFFERS, //
    },
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

/// Lines end where the hardware likes it, as ipu3-cio2's.
const LINE_ALIGN: u64 = 64;
/// In bytes.
pub(crate) const PIXEL: usize = 2;
const MAX_WIDTH: u32 = 4224;
const MAX_HEIGHT: u32 = 3136;

#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes_per_line: usize,
    pub(crate) layout: Layout,
}

impl Format {
    /// `bytes_per_line` may be zero: the least that does.
    pub(crate) fn new(width: u32, height: u32, bytes_per_line: u32, offset: u32) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(EINVAL);
        }
        if width > MAX_WIDTH || height > MAX_HEIGHT {
            return Err(ERANGE);
        }
        let least = (u64::from(width) * PIXEL as u64).next_multiple_of(LINE_ALIGN);
        let bytes_per_line = match bytes_per_line {
            0 => least,
            n => n.into(),
        };
        if bytes_per_line < least || bytes_per_line % LINE_ALIGN != 0 {
            return Err(EINVAL);
        }
        let size = bytes_per_line * u64::from(height);
        Ok(Self {
            width: width as usize,
            height: height as usize,
            bytes_per_line: bytes_per_line as usize,
            layout: Layout::new(offset as usize, size as usize)?,
        })
    }
}

/// A frame that was captured.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) index: usize,
    pub(crate) sequence: u32,
    pub(crate) picture: u32,
    pub(crate) bytes_used: usize,
    /// Whether it was as long as it should be.
    pub(crate) right: bool,
}

/// Buffers that wait for frames.
struct Queue {
    table: FrameTable,
    /// Of each entry of the table in use.
    buffers: [usize; MAX_BUFFERS],
    first: usize,
    count: usize,
}

impl Queue {
    fn push(&mut self, index: usize, buffer: &Buffer<'_>) -> Result {
        // There are no more buffers than entries, and none is queued twice.
        let slot = (self.first + self.count) % MAX_BUFFERS;
        self.table.set(slot, &buffer.lists)?;
        self.buffers[slot] = index;
        self.count += 1;
        Ok(())
    }

    /// Returns the first buffer, and what the device has made of its entry.
    fn peek(&self) -> Result<(usize, Entry)> {
        Ok((self.buffers[self.first], self.table.read(self.first)?))
    }

    fn pop(&mut self) -> Result<usize> {
        let slot = self.first;
        self.table.clear(slot)?;
        self.first = (slot + 1) % MAX_BUFFERS;
        self.count -= 1;
        Ok(self.buffers[slot])
    }
}

struct State<'bound> {
    format: Option<Format>,
    buffers: KVec<Buffer<'bound>>,
    /// None without buffers.
    queue: Option<Queue>,
    /// Frames since it was switched on; None if it is off.
    sequence: Option<u32>,
    /// The device is at the first buffer of the queue, or user space is being told of its frame.
    capturing: bool,
    /// The frame that is in the first buffer, until user space was told of it.
    frame: Option<Frame>,
}

impl<'bound> State<'bound> {
    /// What the device is at is not to be changed.
    fn at_rest(&self) -> Result {
        match self.capturing {
            true => Err(EBUSY),
            false => Ok(()),
        }
    }

    fn buffer(&mut self, index: usize) -> Result<&mut Buffer<'bound>> {
        self.buffers.get_mut(index).ok_or(EINVAL)
    }

    /// What the device needs to know of the next frame.
    fn start(&mut self, sensor: Sensor) -> Result<Shot> {
        let (Some(format), Some(queue), Some(sequence)) = (self.format, &self.queue, self.sequence)
        else {
            return Err(EINVAL);
        };
        if queue.count == 0 {
            return Err(EAGAIN);
        }
        self.capturing = true;
        Ok(Shot {
            entry: queue.table.address(queue.first),
            format,
            sequence: sequence as u16,
            sensor,
        })
    }

    /// The device is done with the frame, or has given it up.
    fn finish(&mut self, shot: &Shot, result: Result) -> Result<Frame> {
        let frame = self.look(shot, result);
        self.frame = frame.as_ref().ok().copied();
        self.capturing = frame.is_ok();
        frame
    }

    /// Finds out what there is in the first buffer.
    fn look(&mut self, shot: &Shot, result: Result) -> Result<Frame> {
        let (Some(queue), Some(sequence)) = (&mut self.queue, self.sequence) else {
            return Err(EINVAL);
        };
        if result == Err(ETIMEDOUT) {
            queue.table.lose();
            self.buffers[queue.buffers[queue.first]].lose();
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

    /// Takes the first buffer off the queue if user space was told of its frame. Or else it stays
    /// the first one, and the frame is there for who asks next.
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
        self.frame = None;
        Ok(())
    }

    fn clear_queue(&mut self) -> Result {
        while self.queue.as_ref().is_some_and(|queue| queue.count > 0) {
            self.pop()?;
        }
        Ok(())
    }
}

#[pin_data]
pub(crate) struct Stream<'bound> {
    /// Nobody accesses user space with it, for `mmap()` takes it under `mmap_lock`.
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

    /// Buffers are of the format, so there must be none.
    pub(crate) fn set_format(&self, format: Format) -> Result {
        let mut state = self.state.lock();
        if !state.buffers.is_empty() {
            return Err(EBUSY);
        }
        state.format = Some(format);
        Ok(())
    }

    /// Exchanges the buffers. User space keeps the pages that it has mapped.
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
        // The table first, which has the addresses of their lists.
        state.queue = None;
        state.buffers = KVec::new();
        if count == 0 {
            return Ok(());
        }
        let table = FrameTable::new(sharing.dma(), dummy)?;
        let mut buffers = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            let buffer = Buffer::new(sharing, layout, contiguous, dummy)?;
            buffers.push(buffer, GFP_KERNEL_ACCOUNT)?;
        }
        state.buffers = buffers;
        state.queue = Some(Queue {
            table,
            buffers: [0; MAX_BUFFERS],
            first: 0,
            count: 0,
        });
        Ok(())
    }

    /// Looks at a buffer.
    pub(crate) fn with_buffer<R>(
        &self,
        index: usize,
        look: impl FnOnce(&Buffer<'bound>) -> Result<R>,
    ) -> Result<R> {
        look(self.state.lock().buffer(index)?)
    }

    pub(crate) fn queue(&self, index: usize) -> Result {
        let state = &mut *self.state.lock();
        let buffer = state.buffers.get_mut(index).ok_or(EINVAL)?;
        if buffer.queued {
            return Err(EBUSY);
        }
        state.queue.as_mut().ok_or(EINVAL)?.push(index, buffer)?;
        buffer.queued = true;
        Ok(())
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

    /// Has the device write a frame into the first buffer of the queue, unless there is one that
    /// user space was not told of.
    ///
    /// The frame is to be settled by [`settle`](Self::settle).
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
            camera.dummy.lock().lose();
        }
        self.state.lock().finish(&shot, result)
    }

    /// Ends a capture: user space was told of the frame, or the frame stays where it is.
    pub(crate) fn settle(&self, told: Result) -> Result {
        self.state.lock().settle(told)
    }

    /// Copies from a buffer that is not the device's, and returns how many bytes.
    pub(crate) fn read(&self, index: usize, at: usize, bytes: &mut [u8]) -> Result<usize> {
        let mut state = self.state.lock();
        let buffer = state.buffer(index)?;
        if buffer.queued {
            return Err(EBUSY);
        }
        let n = buffer.len.saturating_sub(at).min(bytes.len());
        if n > 0 {
            buffer.read(at, &mut bytes[..n])?;
        }
        Ok(n)
    }

    pub(crate) fn mmap(&self, index: usize, offset: usize, vma: &VmaNew) -> Result {
        self.with_buffer(index, |buffer| buffer.mmap(offset, vma))
    }
}
