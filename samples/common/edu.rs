// SPDX-License-Identifier: GPL-2.0

//! The hardware: QEMU's `edu` device, used for its DMA engine.
//!
//! Its manual is `docs/specs/edu.rst` in QEMU's source. The engine moves bytes between memory and
//! a buffer of 4 KiB inside the device, one transfer at a time, and takes 100 ms for each,
//! whatever its length. It sends addresses of as many bits as QEMU's property `dma_mask` has set.

use kernel::{
    current,
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma::DmaAddress,
    io::{
        register,
        Io, //
    },
    irq,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    }, //
};
use sgdma::{
    DmaDevice,
    Quiet,
    Unbinding, //
};

register! {
    /// Identification.
    ID(u32) @ 0x00 {
        /// Always `DEVICE`.
        7:0 device;
    }

    /// Answers what was written last, inverted.
    LIVENESS(u32) @ 0x04 {
        31:0 value;
    }

    /// Interrupts that are raised; reads only.
    IRQ_STATUS(u32) @ 0x24 {
        31:0 raised;
    }

    /// Interrupts to take back; writes only.
    IRQ_ACK(u32) @ 0x64 {
        31:0 raised;
    }

    /// Where a transfer reads.
    DMA_SRC(u64) @ 0x80 {
        63:0 address;
    }

    /// Where a transfer writes.
    DMA_DST(u64) @ 0x88 {
        63:0 address;
    }

    /// How many bytes a transfer moves.
    DMA_COUNT(u64) @ 0x90 {
        63:0 bytes;
    }

    /// Starts a transfer; the device clears `start` at its end.
    DMA_CMD(u64) @ 0x98 {
        2:2 interrupt => bool;
        1:1 to_memory => bool;
        0:0 start => bool;
    }
}

const REGISTERS: usize = 0xa0;

type Bar = pci::Bar<'static, REGISTERS>;

/// Where the device's own buffer is, in the addresses that its engine understands.
const INNER_BUFFER: u64 = 0x40000;

/// How much goes through the inner buffer at once, which divides a page. It would hold twice as
/// much, but QEMU 7.2 stops at a transfer that fills it.
pub(crate) const CHUNK: usize = 2048;

/// A transfer takes 100 ms; one that takes much longer will not end.
const TIMEOUT_MS: u32 = 5000;

/// How often one who waits looks whether the device is still there.
const PRESENCE_POLL_MS: u32 = 500;

/// How often one who is to leave looks whether the transfer has ended.
const LEAVING_POLL_MS: u32 = 10;

const DEVICE: u32 = 0xed;
const LIVENESS_PROBE: u32 = 0x5a5a_1234;

/// How often one who wants the device quiet looks whether the transfer has ended.
const QUIET_POLL_MS: u32 = 10;

/// Waits for the end of a transfer that is under way, whoever began it: there is no calling it off.
pub(crate) fn quiesce(pdev: &pci::Device<Bound>) -> Result<Quiet> {
    let bar = pdev.iomap_region_sized::<REGISTERS>(0, c"edu")?;
    for _ in 0..TIMEOUT_MS / QUIET_POLL_MS {
        if bar.read(ID).device().get() != DEVICE {
            return Err(ENODEV);
        }
        if !bar.read(DMA_CMD).start() {
            return Ok(Quiet::Reset);
        }
        fsleep(Delta::from_millis(QUIET_POLL_MS.into()));
    }
    dev_err!(pdev, "a transfer is under way for {} ms\n", TIMEOUT_MS);
    Ok(Quiet::Unknown)
}

/// What the interrupt handler and the one who waits for it share.
struct Interrupt {
    bar: Devres<Bar>,
    finished: Atomic<bool>,
    unbinding: Arc<Unbinding>,
}

impl irq::Handler for Interrupt {
    fn handle(&self, dev: &Device<Bound>) -> irq::IrqReturn {
        let Ok(bar) = self.bar.access(dev) else {
            return irq::IrqReturn::None;
        };
        let raised = bar.read(IRQ_STATUS).raised();
        if raised.get() == 0 {
            return irq::IrqReturn::None;
        }
        bar.write_reg(IRQ_ACK::zeroed().with_raised(raised));
        self.finished.store(true, Release);
        self.unbinding.wake_all();
        irq::IrqReturn::Handled
    }
}

impl Interrupt {
    /// Waits for the end of a transfer; false if it did not come in time, or the device is gone.
    fn wait(&self, is_gone: impl Fn() -> bool) -> bool {
        let finished = || self.finished.load(Acquire);
        let mut left = TIMEOUT_MS;
        while !finished() && left > 0 && !is_gone() {
            let turn = msecs_to_jiffies(PRESENCE_POLL_MS);
            left -= match self.unbinding.wait(turn, finished) {
                Ok(()) => 0,
                Err(ETIMEDOUT) => PRESENCE_POLL_MS,
                // A transfer cannot be called off, so who is signalled, or should leave the device,
                // waits for its end all the same; only not there, which returns at once from now
                // on.
                Err(_) => {
                    fsleep(Delta::from_millis(LEAVING_POLL_MS.into()));
                    LEAVING_POLL_MS
                }
            };
        }
        finished()
    }
}

/// Where a transfer goes.
enum To {
    Device,
    Memory,
}

/// The device's DMA engine.
#[pin_data]
pub(crate) struct Engine<'bound> {
    dev: &'bound Device<Bound>,
    #[pin]
    interrupt: irq::Registration<Interrupt>,
    /// Held for as long as the inner buffer is in use. True if a transfer did not end: the engine
    /// may still be at it, so nothing can be started any more.
    #[pin]
    stuck: Mutex<bool>,
}

impl<'bound> Engine<'bound> {
    /// Takes over a device that was made quiet.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        dma: DmaDevice<'bound>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let bar = pdev.iomap_region_sized::<REGISTERS>(0, c"edu")?;
            bar.write_reg(LIVENESS::zeroed().with_value(LIVENESS_PROBE));
            let id = bar.read(ID);
            if id.device().get() != DEVICE || bar.read(LIVENESS).value().get() != !LIVENESS_PROBE {
                dev_err!(pdev, "this is no edu device: id {:#x}\n", id.into_raw());
                return Err(ENODEV);
            }
            let bar = bar.into_devres()?;

            let msi = pci::IrqTypes::default().with(pci::IrqType::Msi);
            let vectors = pdev.alloc_irq_vectors(1, 1, msi).inspect_err(|_| {
                dev_err!(pdev, "no MSI interrupt to be had\n");
            })?;

            Ok(try_pin_init!(Self {
                dev: pdev.as_ref(),
                interrupt <- pdev.request_irq(
                    *vectors.start(),
                    irq::Flags::TRIGGER_NONE,
                    c"edu",
                    Ok(Interrupt {
                        bar,
                        finished: Atomic::new(false),
                        unbinding: dma.unbinding().clone(),
                    }),
                ),
                stuck <- new_mutex!(false),
            }))
        })
    }

    /// Copies `len` bytes, at most [`CHUNK`], from one bus address to another.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the device did not finish: it may go on at any time, so the memory must not
    /// be given to anybody else. `EIO` if that happened to an earlier copy; nothing was started.
    /// `ENODEV` if it was taken out of its slot, or the driver is being unbound. `ERESTARTSYS` if the
    /// caller has a signal to see to: once that is done, and it goes on, the same request begins anew.
    pub(crate) fn copy(&self, from: DmaAddress, to: DmaAddress, len: usize) -> Result {
        let mut stuck = self.stuck.lock();
        if *stuck {
            return Err(EIO);
        }
        if self.interrupt.handler().unbinding.has_begun() {
            return Err(ENODEV);
        }
        if current!().signal_pending() {
            return Err(ERESTARTSYS);
        }
        let result = self
            .transfer(from, INNER_BUFFER, len, To::Device)
            .and_then(|()| self.transfer(INNER_BUFFER, to, len, To::Memory));
        *stuck = result == Err(ETIMEDOUT);
        result
    }

    fn transfer(&self, from: u64, to: u64, len: usize, direction: To) -> Result {
        let interrupt = self.interrupt.handler();
        let bar = interrupt.bar.access(self.dev)?;

        interrupt.finished.store(false, Release);
        bar.write_reg(DMA_SRC::zeroed().with_address(from));
        bar.write_reg(DMA_DST::zeroed().with_address(to));
        bar.write_reg(DMA_COUNT::zeroed().with_bytes(len as u64));
        bar.write_reg(
            DMA_CMD::zeroed()
                .with_interrupt(true)
                .with_to_memory(matches!(direction, To::Memory))
                .with_start(true),
        );

        // Where no device is, others answer, or nobody, which reads as ones, or zeroes in QEMU. What
        // is not there is not at anybody's memory either.
        let is_gone = || bar.read(ID).device().get() != DEVICE;
        if !interrupt.wait(is_gone) {
            if is_gone() {
                return Err(ENODEV);
            }
            dev_err!(
                self.dev,
                "no interrupt {} ms after a transfer of {} bytes from {:#x} to {:#x}\n",
                TIMEOUT_MS,
                len,
                from,
                to
            );
            return Err(ETIMEDOUT);
        }
        Ok(())
    }
}
