// SPDX-License-Identifier: GPL-2.0

//! Words: the accesses to memory that the CPU and a device use at the same time.
//!
//! C headers: [`include/asm-generic/barrier.h`](srctree/include/asm-generic/barrier.h),
//! [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h)
//!
//! Nobody ever has a Rust reference to such memory. A word is loaded and stored by one volatile
//! access, as by `READ_ONCE()` and `WRITE_ONCE()`. So each word is old or new, but never a mixture.
//! The order of two words is another matter: see [`Flag`].

use crate::{
    ffi,
    table::sg_table::SgTable,
    walk::{
        dma::DmaFrames,
        frames::Slots, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::Range,
    sync::atomic::{
        compiler_fence,
        Ordering, //
    }, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};
use zerocopy::Immutable;

pub(crate) mod private {
    use kernel::prelude::*;

    pub trait Word: Copy + Send + Sync + 'static {}

    /// Memory that words can be in.
    ///
    /// A driver cannot name this trait, but its generic code can call what is in it.
    ///
    /// # Safety
    ///
    /// - The bytes of a [`Piece`] are valid for volatile reads and writes as long as `self` is
    ///   borrowed, and nobody has a Rust reference to them.
    /// - A piece begins at byte `offset`, has at most `len` bytes, and has one at least if `len` is
    ///   not zero. It ends before `len` bytes only at the end of a page.
    pub unsafe trait Memory {
        /// Returns the length in bytes.
        fn len(&self) -> usize;

        /// Returns the first piece of the `len` bytes from `offset` on.
        ///
        /// # Errors
        ///
        /// `EINVAL` if `offset + len` lies beyond the end.
        fn piece(&self, offset: usize, len: usize) -> Result<Piece>;
    }

    /// Bytes that follow one another in memory.
    pub struct Piece {
        pub(crate) first: *mut u8,
        pub(crate) len: usize,
    }

    impl Piece {
        /// Returns the `len` bytes from `offset` on of the `size` bytes that begin at `first`.
        ///
        /// # Errors
        ///
        /// `EINVAL` if `offset + len` lies beyond the end.
        #[inline]
        pub(crate) fn of(first: *mut u8, size: usize, offset: usize, len: usize) -> Result<Self> {
            if offset > size || len > size - offset {
                return Err(EINVAL);
            }
            Ok(Self {
                first: first.wrapping_add(offset),
                len,
            })
        }
    }
}

use private::{
    Memory,
    Piece, //
};

/// A word that is accessed at once: `u8`, `u16`, `u32` or `u64`.
///
/// No other type can implement it. A device with words of little endian gets `value.to_le()`, and
/// gives `T::from_le(value)`.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CoherentBuffer, DmaDevice, Word, Words};
/// fn swap<T: Word>(ring: &CoherentBuffer<'_>, a: usize, b: usize) -> Result {
///     let (at_a, at_b) = (ring.read::<T>(a)?, ring.read::<T>(b)?);
///     ring.write(a, at_b)?;
///     ring.write(b, at_a)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let ring = CoherentBuffer::alloc(64, dev, GFP_KERNEL)?;
/// ring.write(0, 7u16.to_le())?;
/// swap::<u16>(&ring, 0, 62)?;
/// assert_eq!((ring.read::<u16>(0)?, u16::from_le(ring.read(62)?)), (0, 7));
/// # Ok(())
/// # }
/// ```
pub trait Word: private::Word {}

/// Implements [`Word`] for each type that is listed.
macro_rules! words {
    ($($word:ident),*) => {$(
        // A word of another alignment could lie across the end of a page.
        const _: () = assert!(align_of::<$word>() == size_of::<$word>());

        impl private::Word for $word {}
        impl Word for $word {}
    )*};
}

words!(u8, u16, u32, u64);

/// Memory whose words the CPU and a device use at the same time: a [`CoherentBuffer`], a
/// [`PoolBlock`], or a [`Shared`] table of the kernel's own pages; also in flight.
///
/// No other type can implement it. Offsets count in bytes from the start of the memory. A word lies
/// at a multiple of its size: within a page, and in a table whose first byte is inside a page, by
/// the address in that page. Words of a `Shared` table take time for each segment before them.
///
/// None of the accesses but those of a [`Flag`] is ordered with others, for the eyes of the device.
/// A driver writes a descriptor by [`write`](Self::write) or [`write_entry`](Self::write_entry),
/// and then says by a flag that the descriptor is ready.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CoherentBuffer, DmaDevice, InFlight, Words};
/// /// A ring of 16 descriptors of 8 bytes, and behind them the index of the next free one.
/// struct Ring<'bound>(InFlight<CoherentBuffer<'bound>>);
///
/// const INDEX: usize = 16 * 8;
///
/// impl Ring<'_> {
///     fn push(&self, descriptor: u64) -> Result {
///         let index = self.0.flag::<u32>(INDEX)?;
///         let next = u32::from_le(index.load());
///         self.0.write(next as usize % 16 * 8, descriptor.to_le())?;
///         index.store(next.wrapping_add(1).to_le()); // The device sees the descriptor before.
///         Ok(())
///     }
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let ring = Ring(CoherentBuffer::alloc(INDEX + 4, dev, GFP_KERNEL)?.submit());
/// ring.push(0x1234)?;
/// ring.push(0x5678)?;
/// assert_eq!(ring.0.read::<u64>(8).map(u64::from_le), Ok(0x5678));
/// assert_eq!(ring.0.read::<u64>(INDEX), Err(EINVAL)); // Beyond the end.
/// assert_eq!(ring.0.read::<u64>(4), Err(EINVAL)); // Not aligned.
/// drop(ring.0.complete());
/// # Ok(())
/// # }
/// ```
///
/// [`CoherentBuffer`]: crate::CoherentBuffer
/// [`PoolBlock`]: crate::PoolBlock
/// [`Shared`]: crate::Shared
pub trait Words: Memory {
    /// Loads the word at byte `offset`. For any context.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the word ends beyond the end of the memory, or is not aligned to its size.
    #[doc(alias = "READ_ONCE")]
    #[inline]
    fn read<T: Word>(&self, offset: usize) -> Result<T> {
        let word = word::<T>(self, offset)?;
        // SAFETY: `word()` returns an aligned word of `self`, which is borrowed. Each value of a
        // `Word` is valid.
        Ok(unsafe { word.read_volatile() })
    }

    /// Stores a word at byte `offset`. For any context.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[doc(alias = "WRITE_ONCE")]
    #[inline]
    fn write<T: Word>(&self, offset: usize, value: T) -> Result {
        let word = word::<T>(self, offset)?;
        // SAFETY: `word()` returns an aligned word of `self`, which is borrowed.
        unsafe { word.write_volatile(value) };
        Ok(())
    }

    /// Returns the word at byte `offset` as one that says that other words are ready.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    fn flag<T: Word>(&self, offset: usize) -> Result<Flag<'_, T>> {
        // INVARIANT: `word()` returns an aligned word of `self`, which the flag borrows.
        Ok(Flag {
            word: word(self, offset)?,
            _memory: PhantomData,
        })
    }

    /// Copies the structure at byte `offset`, word by word, from the first one on. For any context.
    ///
    /// The words are those of 8 bytes, or of 4 if offset or size is no multiple of 8. The device
    /// may write between two of them.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the structure ends beyond the end of the memory, lies across the end of a page
    /// of a `Shared` table, or if offset or size is no multiple of 4.
    #[inline]
    fn read_entry<T: FromBytes>(&self, offset: usize) -> Result<T> {
        let entry = entry(self, offset, size_of::<T>())?;
        let mut value = MaybeUninit::<T>::uninit();
        let to = value.as_mut_ptr().cast::<u8>();
        // SAFETY:
        // - `entry()` returns `size_of::<T>()` bytes of `self`, aligned for these words, of which
        //   there is a whole number.
        // - `value` has as many bytes.
        unsafe {
            if entry.by_8 {
                read_words::<u64>(entry.first, to, size_of::<T>());
            } else {
                read_words::<u32>(entry.first, to, size_of::<T>());
            }
        }
        // SAFETY: All bytes were written. Any bytes are a valid `FromBytes`.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies a structure to byte `offset`, word by word, as [`read_entry`](Self::read_entry) does.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{CoherentBuffer, DmaDevice, Words};
    /// #[derive(FromBytes, IntoBytes, zerocopy_derive::Immutable)]
    /// #[repr(C)]
    /// struct Descriptor {
    ///     addr: u64,
    ///     len: u32,
    ///     flags: u32,
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// let ring = CoherentBuffer::alloc(1024, dev, GFP_KERNEL)?;
    /// ring.write_entry(16, &Descriptor { addr: 0x1000, len: 512, flags: 1 })?;
    /// assert_eq!(ring.read::<u32>(24), Ok(512));
    /// assert_eq!(ring.read_entry::<Descriptor>(16)?.addr, 0x1000);
    /// assert_eq!(ring.read_entry::<Descriptor>(1020).err(), Some(EINVAL));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `read_entry`.
    #[inline]
    fn write_entry<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result {
        let entry = entry(self, offset, size_of::<T>())?;
        let from = core::ptr::from_ref(value).cast::<u8>();
        // SAFETY:
        // - `entry()` returns `size_of::<T>()` bytes of `self`, aligned for these words, of which
        //   there is a whole number.
        // - `value` has as many bytes, all of which are initialised: it is `IntoBytes`.
        unsafe {
            if entry.by_8 {
                write_words::<u64>(from, entry.first, size_of::<T>());
            } else {
                write_words::<u32>(from, entry.first, size_of::<T>());
            }
        }
        Ok(())
    }

    /// Copies the bytes from `offset` on to all of `dst`. For any context.
    ///
    /// If the device or another CPU writes these bytes at the same time, the copy may have part of
    /// the new bytes, also part of a word.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the memory.
    fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        let mut done = 0;
        loop {
            let rest = &mut dst[done..];
            let piece = self.piece(offset + done, rest.len())?;
            // SAFETY: Both have `piece.len` bytes, which do not overlap: `dst` is a reference, and
            // there is none to the memory.
            unsafe { ffi::sgdma_memcpy(rest.as_mut_ptr().cast(), piece.first.cast(), piece.len) };
            done += piece.len;
            if done == dst.len() {
                return Ok(());
            }
        }
    }

    /// Copies all of `src` to the memory, from byte `offset` on. For any context.
    ///
    /// If the device or another CPU reads these bytes at the same time, it may read part of the new
    /// bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the memory.
    fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result {
        let mut done = 0;
        loop {
            let rest = &src[done..];
            let piece = self.piece(offset + done, rest.len())?;
            // SAFETY: As for `copy_to_slice()`.
            unsafe { ffi::sgdma_memcpy(piece.first.cast(), rest.as_ptr().cast(), piece.len) };
            done += piece.len;
            if done == src.len() {
                return Ok(());
            }
        }
    }

    /// Stores `encode(addr)` to each word of the bytes `range`, for the next addresses of `walk`.
    /// Returns the number of words stored, which is less than there are in `range` only if the
    /// walk has ended. For any context.
    ///
    /// The next call continues with the next address. The words are not ordered with those that
    /// are stored before or after: see [`Flag`].
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{DmaDevice, DmaPool, DmaTable, PoolBlock, SgTable, ToDevice, Words};
    /// /// Makes a list of addresses, whose last word leads to a second list if there are more.
    /// fn lists<'bound>(
    ///     pool: &DmaPool<'bound>,
    ///     buffer: &DmaTable,
    /// ) -> Result<[PoolBlock<'bound>; 2]> {
    ///     let lists = [pool.alloc(GFP_KERNEL)?, pool.alloc(GFP_KERNEL)?];
    ///     let last = lists[0].len() - 8;
    ///     let mut walk = buffer.dma_pages();
    ///     lists[0].fill(0..last, &mut walk, u64::to_le)?;
    ///     if lists[1].fill(0..last, &mut walk, u64::to_le)? > 0 {
    ///         lists[0].write(last, lists[1].dma_address().to_le())?;
    ///     }
    ///     Ok(lists)
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// let buffer = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
    /// let pool = DmaPool::new(c"lists", dev, 256, 256, 0)?;
    /// let lists = lists(&pool, &buffer)?;
    /// let pages = buffer.dma_pages().count();
    /// assert_eq!(lists[0].read::<u64>(8).map(u64::from_le).ok(), buffer.dma_pages().nth(1));
    /// assert_eq!(lists[0].read::<u64>(248)? == 0, pages < 32);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` if `range` runs backwards, ends beyond the end of the memory, or begins or ends
    /// elsewhere than at a word.
    #[inline]
    fn fill<T: Word>(
        &self,
        range: Range<usize>,
        walk: &mut impl DmaFrames,
        encode: impl FnMut(DmaAddress) -> T,
    ) -> Result<usize> {
        fill(self, range, walk, encode)
    }
}

/// Returns the word at byte `offset` of `memory`: aligned, and valid as long as `memory` is
/// borrowed.
#[inline]
fn word<T: Word>(memory: &(impl Memory + ?Sized), offset: usize) -> Result<*mut T> {
    let Piece { first, len } = memory.piece(offset, size_of::<T>())?;
    // A word that is aligned is all in one page, so it is all in the piece.
    if len < size_of::<T>() || first.addr() % size_of::<T>() != 0 {
        return Err(EINVAL);
    }
    Ok(first.cast())
}

/// The place of a structure.
struct Entry {
    first: *mut u8,
    /// True if the structure consists of aligned words of 8 bytes, false if of 4 bytes.
    by_8: bool,
}

/// Returns the place of `len` bytes at byte `offset` of `memory`.
#[inline]
fn entry(memory: &(impl Memory + ?Sized), offset: usize, len: usize) -> Result<Entry> {
    let piece = memory.piece(offset, len)?;
    let ends = piece.first.addr() | len;
    if piece.len < len || ends % 4 != 0 {
        return Err(EINVAL);
    }
    Ok(Entry {
        first: piece.first,
        by_8: ends % 8 == 0,
    })
}

/// Copies `len` bytes, a multiple of the size of a word, out of shared memory.
///
/// # Safety
///
/// `from` is valid for volatile reads of aligned words, and `to` for writes.
#[inline]
unsafe fn read_words<T: Word>(from: *const u8, to: *mut u8, len: usize) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    for i in 0..len / size_of::<T>() {
        // SAFETY: Word number `i` is among the `len` bytes, for which the caller promises this.
        unsafe { to.add(i).write_unaligned(from.add(i).read_volatile()) };
    }
}

/// Copies `len` bytes, a multiple of the size of a word, to shared memory.
///
/// # Safety
///
/// `from` is valid for reads of initialised bytes, and `to` for volatile writes of aligned words.
#[inline]
unsafe fn write_words<T: Word>(from: *const u8, to: *mut u8, len: usize) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    for i in 0..len / size_of::<T>() {
        // SAFETY: Word number `i` is among the `len` bytes, for which the caller promises this.
        unsafe { to.add(i).write_volatile(from.add(i).read_unaligned()) };
    }
}

/// Fills the bytes `range` of `memory`: see [`Words::fill`].
#[inline]
pub(crate) fn fill<T: Word>(
    memory: &(impl Memory + ?Sized),
    range: Range<usize>,
    walk: &mut impl DmaFrames,
    mut encode: impl FnMut(DmaAddress) -> T,
) -> Result<usize> {
    let Range { mut start, end } = range;
    let left = end.checked_sub(start).ok_or(EINVAL)?;
    if left % size_of::<T>() != 0 || end > memory.len() {
        return Err(EINVAL);
    }
    let mut filled = 0;
    while start < end {
        let slots = WordSlots::new(memory.piece(start, end - start)?)?;
        let all = slots.len;
        let n = walk.fill_slots(slots, &mut encode);
        filled += n;
        start += all * size_of::<T>();
        if n < all {
            break;
        }
    }
    Ok(filled)
}

/// Words that a walk sets.
///
/// # Invariants
///
/// `first` points to `len` aligned words that are valid for volatile writes.
struct WordSlots<T> {
    first: *mut T,
    len: usize,
}

impl<T: Word> WordSlots<T> {
    /// Takes the words of a piece of memory, which the caller keeps borrowed.
    ///
    /// # Errors
    ///
    /// `EINVAL` if they are not aligned, or are none.
    #[inline]
    fn new(piece: Piece) -> Result<Self> {
        let len = piece.len / size_of::<T>();
        if len == 0 || piece.first.addr() % size_of::<T>() != 0 {
            return Err(EINVAL);
        }
        // INVARIANT: By the requirements of `Memory` the bytes of a piece are valid for volatile
        // writes. The first word is aligned, and so are all.
        Ok(Self {
            first: piece.first.cast(),
            len,
        })
    }
}

impl<T: Word> Slots for WordSlots<T> {
    type Slot = T;

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn skip(self, n: usize) -> Self {
        let n = n.min(self.len);
        // INVARIANT: There are `len - n` words from word `n` on.
        Self {
            first: self.first.wrapping_add(n),
            len: self.len - n,
        }
    }

    #[inline]
    unsafe fn set(&mut self, first: usize, n: usize, mut next: impl FnMut() -> T) {
        for i in first..first + n {
            // SAFETY: `first + n` is at most `len`, as the caller promises. By the type invariants
            // the word is aligned, and valid for volatile writes.
            unsafe { self.first.add(i).write_volatile(next()) };
        }
    }
}

/// A word that says that other words are ready: an index, a phase, an owner bit.
///
/// [`Words::flag`] returns it. A driver accesses such a word by its flag only. Then neither the CPU
/// nor the compiler can make the device see the word before those that it announces, or read these
/// before the word.
///
/// A doorbell that the driver writes after the flag needs nothing more: a write to a register is
/// ordered after all writes to memory before it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CoherentBuffer, DmaDevice, Words};
/// /// Takes the entry of a completion queue whose last bit is `phase`, if there is one yet.
/// fn completion(queue: &CoherentBuffer<'_>, phase: u16) -> Result<Option<u32>> {
///     if u16::from_le(queue.flag(14)?.load()) & 1 != phase {
///         return Ok(None);
///     }
///     Ok(Some(u32::from_le(queue.read(0)?))) // At least as new as the phase.
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let queue = CoherentBuffer::alloc(16, dev, GFP_KERNEL)?;
/// assert_eq!(completion(&queue, 1)?, None);
/// queue.write(0, 5u32.to_le())?; // As the device does.
/// queue.flag(14)?.store(1u16.to_le());
/// assert_eq!(completion(&queue, 1)?, Some(5));
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// `word` is aligned, and valid for volatile reads and writes during `'a`.
pub struct Flag<'a, T> {
    word: *mut T,
    _memory: PhantomData<&'a T>,
}

// SAFETY: Any CPU may load and store words of the memory, all at the same time.
unsafe impl<T: Word> Send for Flag<'_, T> {}
// SAFETY: As for `Send`.
unsafe impl<T: Word> Sync for Flag<'_, T> {}

impl<T: Word> Flag<'_, T> {
    /// Loads the word, and then orders: what is read afterwards is at least as new ("acquire"). For
    /// any context.
    #[doc(alias = "dma_rmb")]
    #[inline]
    pub fn load(&self) -> T {
        // SAFETY: By the type invariants the word is aligned and valid. Each value is a valid `T`.
        let value = unsafe { self.word.read_volatile() };
        dma_rmb();
        value
    }

    /// Orders, and then stores the word: what was written before is visible first ("release"). For
    /// any context.
    #[doc(alias = "dma_wmb")]
    #[inline]
    pub fn store(&self, value: T) {
        dma_wmb();
        // SAFETY: By the type invariants the word is aligned and valid.
        unsafe { self.word.write_volatile(value) };
    }
}

/// Orders the reads before and after, also of memory that a device writes.
#[inline]
fn dma_rmb() {
    // There, `dma_rmb()` is `barrier()`. A call would cost more than all else.
    if cfg!(CONFIG_X86_64) {
        compiler_fence(Ordering::SeqCst);
    } else {
        // SAFETY: The function only orders.
        unsafe { ffi::sgdma_dma_rmb() };
    }
}

/// Orders the writes before and after, also to memory that a device reads.
#[inline]
fn dma_wmb() {
    // As in `dma_rmb()`.
    if cfg!(CONFIG_X86_64) {
        compiler_fence(Ordering::SeqCst);
    } else {
        // SAFETY: The function only orders.
        unsafe { ffi::sgdma_dma_wmb() };
    }
}

/// Returns the first piece of the `len` bytes from `offset` on of a table that is mapped.
///
/// The buffer consists of whole pages but for its first and its last one. So the bytes that follow
/// byte `offset` in its page, up to the end of the page or of the buffer, are those of the buffer,
/// whether a segment ends among them or not. A 64-bit kernel has an address for each page.
///
/// # Errors
///
/// `EINVAL` if `offset + len` lies beyond the end of the buffer.
#[inline]
pub(crate) fn piece_of_table<P>(table: &SgTable<P>, offset: usize, len: usize) -> Result<Piece> {
    let Some(part) = table.page_parts(offset, len)?.next() else {
        return Ok(Piece {
            first: core::ptr::dangling_mut(),
            len: 0,
        });
    };
    // SAFETY: The page is one of the table's.
    let page = unsafe { ffi::sgdma_page_address(part.page.as_ptr()) };
    Ok(Piece {
        first: page.cast::<u8>().wrapping_add(part.offset),
        len: len.min(PAGE_SIZE - part.offset),
    })
}
