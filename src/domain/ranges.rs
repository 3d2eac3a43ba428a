// SPDX-License-Identifier: GPL-2.0

//! The addresses of a domain: which may be mapped, and which are taken.
//!
//! IOMMU drivers accept, or warn of, what a caller must not ask for: a range that overlaps another
//! one, or that lies beyond the domain's aperture or in a window that the platform keeps. So each
//! range is checked here first.
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

/// A range of addresses that is not empty. It may end at the last address that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Span {
    /// Returns the range of `len` bytes from `addr` on, if there is such a range.
    fn new(addr: u64, len: u64) -> Option<Self> {
        Some(Self {
            first: addr,
            last: addr.checked_add(len.checked_sub(1)?)?,
        })
    }

    /// Returns true if the ranges have an address in common.
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The addresses that a domain can map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aperture {
    /// The range within which all mappings lie.
    pub(crate) span: Span,
    /// The smallest page of the IOMMU in bytes, a power of two.
    pub(crate) granule: u64,
}

/// The reason why a range cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The range is empty, or ends beyond the last address that there is.
    NoRange,
    /// The range begins at address 0, which devices and drivers take for no address.
    Zero,
    /// The range does not begin, or does not end, at a page of the IOMMU.
    Unaligned,
    /// The range does not lie within the aperture.
    Beyond,
    /// The range meets a window that the platform keeps.
    Reserved,
    /// The range meets a range that is mapped.
    Mapped,
}

/// The largest alignment that [`find`] gives a range for its length: a large page of most IOMMUs.
const LARGE: u64 = 2 << 20;

/// Finds the place of a new range in `mapped`, which is sorted: the index to insert it at.
pub(crate) fn place(
    aperture: Aperture,
    windows: &[Span],
    mapped: &[Span],
    addr: u64,
    len: u64,
) -> Result<usize, Refusal> {
    let span = Span::new(addr, len).ok_or(Refusal::NoRange)?;
    if addr == 0 {
        return Err(Refusal::Zero);
    }
    if (addr | len) & (aperture.granule - 1) != 0 {
        return Err(Refusal::Unaligned);
    }
    if span.first < aperture.span.first || span.last > aperture.span.last {
        return Err(Refusal::Beyond);
    }
    if windows.iter().any(|window| window.meets(&span)) {
        return Err(Refusal::Reserved);
    }
    let at = mapped.partition_point(|other| other.last < addr);
    match mapped.get(at) {
        Some(other) if other.meets(&span) => Err(Refusal::Mapped),
        _ => Ok(at),
    }
}

/// Finds the lowest addresses for `len` bytes, and their place in `mapped`, which is sorted.
///
/// The range is aligned for large pages, as far as it is long enough to have some. Returns `None`
/// if there is no room.
pub(crate) fn find(
    aperture: Aperture,
    windows: &[Span],
    mapped: &[Span],
    len: u64,
) -> Option<(u64, usize)> {
    let align = (1 << len.checked_ilog2()?).clamp(aperture.granule, LARGE.max(aperture.granule));
    // Address 0 is not used.
    let mut from = aperture.span.first.max(1);
    loop {
        let addr = from.checked_next_multiple_of(align)?;
        let span = Span::new(addr, len)?;
        if span.last > aperture.span.last {
            return None;
        }
        let at = mapped.partition_point(|other| other.last < addr);
        let in_the_way = windows.iter().chain(mapped.get(at));
        match in_the_way
            .filter(|other| other.meets(&span))
            .max_by_key(|other| other.last)
        {
            Some(other) => from = other.last.checked_add(1)?,
            None => return Some((addr, at)),
        }
    }
}

/// Returns the first of the ranges `mapped` that a new window, or a smaller aperture, is at odds
/// with.
pub(crate) fn conflict(span: Span, windows: &[Span], mapped: &[Span]) -> Option<Span> {
    let outside = |range: &&Span| range.first < span.first || range.last > span.last;
    let reserved = |range: &&Span| windows.iter().any(|window| window.meets(range));
    mapped
        .iter()
        .find(|range| outside(range) || reserved(range))
        .copied()
}
