// SPDX-License-Identifier: GPL-2.0

//! Bindings that end in each way there is: at a stage that fails, and with the device at work.
//!
//! What it is to do with its device is written to its node, a word at a time.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu::{
    self,
    Bar,
    CHUNK,
    DMA_CMD,
    INNER_BUFFER, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Core,
    dma::DmaMask,
    iov::IovIterSource,
    new_spinlock,
    page::{
        Page,
        PAGE_SIZE, //
    },
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLock, //
    }, //
};
use sgdma::{
    ByteBuffer,
    DmaDevice,
    DmaLimits,
    DriverContext,
    Exclusive,
    FileOps,
    FromDevice,
    InFlight,
    Mapping,
    PageOwner,
    Quiet,
    SegmentLimits,
    SgTable,
    ToDevice, //
};

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

/// The stage that fails, of `fail=`.
#[derive(PartialEq)]
enum Stage {
    Limits = 1,
    Quiesce = 2,
    Probe = 3,
    Data = 4,
}

/// The number of bindings that have begun. With `fail=5` each ends at another stage.
static BINDINGS: Atomic<u32> = Atomic::new(0);

fn reach(stage: Stage) -> Result {
    let fail = match sgdma::parameter(&module_parameters::fail) {
        5 => BINDINGS.load(Relaxed) % 5,
        fail => fail.into(),
    };
    if fail == stage as u32 {
        return Err(ENODEV);
    }
    Ok(())
}

/// Set if the next `quiesce`, or the next `stop`, waits for the device.
static WORD_AT_QUIESCE: Atomic<bool> = Atomic::new(false);
static WORD_AT_STOP: Atomic<bool> = Atomic::new(false);

/// The bus address that was dropped last while the device was at it.
static HELD: Atomic<u64> = Atomic::new(0);

/// A page that says when it is given back.
struct Watched(Page);

impl Watched {
    fn new() -> Result<Self> {
        let page = Page::alloc_page(GFP_KERNEL)?;
        // SAFETY: Nobody else has the page.
        unsafe { page.fill_zero_raw(0, PAGE_SIZE) }?;
        Ok(Self(page))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        pr_info!("a page is given back\n");
    }
}

// SAFETY: The page is ours, it was zeroed, and nobody else is told of it.
unsafe impl PageOwner for Watched {
    fn len(&self) -> usize {
        PAGE_SIZE
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        NonNull::new(self.0.as_ptr()).into_iter()
    }
}

struct Ends;

#[pin_data]
struct Data<'bound> {
    dma: DmaDevice<'bound>,
    registers: Bar<'bound>,
    #[pin]
    spin: SpinLock<()>,
}

/// Waits two seconds for the end of a transfer.
fn wait(registers: &Bar<'_>) -> Quiet {
    edu::wait_idle(registers, 2000).unwrap_or(Quiet::Unknown)
}

impl Data<'_> {
    /// Checks that a buffer of several segments that begins in the middle of a page does so for the
    /// device.
    fn align(&self) -> Result {
        let page_by_page = SegmentLimits {
            max_size: PAGE_SIZE,
            ..SegmentLimits::from(self.dma)
        };
        let bytes = ByteBuffer::from(VVec::from_elem(0u8, 5 * PAGE_SIZE, GFP_KERNEL)?);
        let table = SgTable::new(bytes, 512..4 * PAGE_SIZE + 100, page_by_page, GFP_KERNEL)?;
        let mapped = table.map(self.dma, ToDevice)?;
        let blocks = mapped.dma_blocks(4096)?;
        pr_info!("offset {} of {} blocks\n", blocks.offset(), blocks.count());
        Ok(())
    }

    /// Makes the device write to a buffer, and drops the buffer in a context that may not sleep.
    fn drop_in_flight<P: Exclusive>(&self, table: SgTable<P>) -> Result {
        let in_flight = table.map(self.dma, FromDevice)?.submit();
        let addr = in_flight.dma_pages().next();
        self.drop_at_work(in_flight, addr)
    }

    /// The same with a buffer that user space may map, where the device can share one.
    fn drop_for_user(&self) -> Result {
        let table = SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?.for_user(FromDevice)?;
        let Ok(table) = table.in_place_for(self.dma) else {
            return self.on(b"drop plain");
        };
        let in_flight = table.map_shared()?.submit();
        let addr = in_flight.dma_pages().next();
        self.drop_at_work(in_flight, addr)
    }

    fn drop_at_work<M: Mapping>(&self, in_flight: InFlight<M>, addr: Option<u64>) -> Result {
        let addr = addr.ok_or(EINVAL)?;
        let command = DMA_CMD::zeroed().with_to_memory(true);
        edu::start(&self.registers, INNER_BUFFER, addr, CHUNK, command)?;
        HELD.store(addr, Relaxed);
        let _spinning = self.spin.lock();
        drop(in_flight);
        Ok(())
    }

    /// Checks that nobody else is given the address that is held.
    fn others(&self) -> Result {
        let mut all = KVec::new();
        for _ in 0..64 {
            let mapped =
                SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?.map(self.dma, FromDevice)?;
            if mapped.dma_pages().next() == Some(HELD.load(Relaxed)) {
                return Err(EEXIST);
            }
            all.push(mapped, GFP_KERNEL)?;
        }
        Ok(())
    }

    fn reset(&self) -> Result {
        let reset = self.dma.begin_reset();
        match wait(&self.registers) {
            Quiet::Reset => reset.done(),
            Quiet::Unknown => return Err(ETIMEDOUT),
        }
        Ok(())
    }

    fn on(&self, word: &[u8]) -> Result {
        match word {
            b"align" => self.align(),
            // Code of this module takes it down, or none does.
            b"drop" => {
                let table = SgTable::new(Watched::new()?, 0..PAGE_SIZE, self.dma, GFP_KERNEL);
                self.drop_in_flight(table?)
            }
            b"drop plain" => self.drop_in_flight(SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?),
            b"drop for user" => self.drop_for_user(),
            b"others" => self.others(),
            b"reset" => self.reset(),
            b"begin reset" => {
                drop(self.dma.begin_reset());
                Ok(())
            }
            // What is submitted when a reset has begun is not over with it.
            b"drop at reset" => {
                let reset = self.dma.begin_reset();
                self.on(b"drop")?;
                wait(&self.registers);
                reset.done();
                Ok(())
            }
            b"stop word" => {
                WORD_AT_STOP.store(true, Relaxed);
                Ok(())
            }
            b"quiesce word" => {
                WORD_AT_QUIESCE.store(true, Relaxed);
                Ok(())
            }
            _ => Err(EINVAL),
        }
    }
}

impl sgdma::Driver for Ends {
    type Data<'bound> = Data<'bound>;
    type Files = File;
}

impl sgdma::pci::Driver for Ends {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits {
        coherent_mask: DmaMask::new::<48>(),
        ..DmaLimits::from_mask(DmaMask::new::<64>())
    };

    fn limits(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<DmaLimits> {
        edu::check_id(pdev)?;
        BINDINGS.fetch_add(1, Relaxed);
        reach(Stage::Limits)?;
        if !edu::is_present(&edu::registers(pdev)?) {
            return Err(EIO);
        }
        Ok(DmaLimits {
            // No platform has so small a mask.
            mask: if sgdma::parameter(&module_parameters::fallback) == 0 {
                Self::DMA.mask
            } else {
                DmaMask::new::<8>()
            },
            fallback: Some(DmaMask::new::<40>()),
            min_align_mask: sgdma::parameter(&module_parameters::align),
            ..Self::DMA
        })
    }

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        reach(Stage::Quiesce)?;
        let registers = edu::registers(pdev)?;
        Ok(if WORD_AT_QUIESCE.xchg(false, Relaxed) {
            wait(&registers)
        } else {
            Quiet::Unknown
        })
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            reach(Stage::Probe)?;
            // SAFETY: The device is bound, so nobody changes its mask.
            let coherent = unsafe {
                (*core::ptr::from_ref(dma.device()).cast::<bindings::device>()).coherent_dma_mask
            };
            dev_info!(pdev, "masks {:x} {:x}\n", dma.mask(), coherent);
            let data = Ok(try_pin_init!(Data {
                dma,
                registers: edu::registers(pdev)?,
                spin <- new_spinlock!(()),
                _: { reach(Stage::Data)? },
            }));
            data
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&Data<'bound>>) {
        dev_info!(pdev, "unbind\n");
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data<'bound>>) -> Quiet {
        dev_info!(pdev, "stop\n");
        if WORD_AT_STOP.xchg(false, Relaxed) {
            wait(&data.registers)
        } else {
            Quiet::Unknown
        }
    }
}

struct File;

#[vtable]
impl FileOps<Ends> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_ends");

    fn open(_: &DriverContext<'_, Ends>) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Ends>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut word = [0; 16];
        let n = src.copy_from_iter(&mut word);
        ctx.on(word[..n].trim_ascii())?;
        Ok(n)
    }
}

sgdma::module_pci_driver! {
    type: Ends,
    name: "sgdma_ends",
    authors: ["sgdma developers"],
    description: "Bindings that end in each way there is",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "ENODEV from: 1 limits, 2 quiesce, 3 probe, 4 its data, 5 each in turn",
        },
        fallback: u8 {
            default: 0,
            description: "1: ask for a mask that the platform refuses",
        },
        align: u32 {
            default: 0,
            description: "the DMA limits' min_align_mask",
        },
    },
}
