// SPDX-License-Identifier: GPL-2.0

//! Tests on the host of the virtqueue of samples/virtio (`ring.rs`), with a model of a device that
//! is honest, or lies.
//!
//! The model reads the memory as the virtio specification describes it, and works out by itself
//! what the driver's side must answer.
//!
//! With `--cfg=fuzzing`, this is a target of libFuzzer, which then chooses what happens.

#![cfg_attr(fuzzing, no_main)]
// A fuzzer has no tests, and the tests have no fuzzer.
#![allow(dead_code, unused_imports)]

mod choose;
#[path = "../../samples/virtio/ring.rs"]
mod ring;

use choose::{
    random::Random,
    Choose,
    Input, //
};
use ring::{
    Layout,
    Lie,
    QueueMemory,
    Ring,
    MAX_ENTRIES, //
};
use std::{
    cell::RefCell,
    collections::BTreeMap, //
};

/// The memory of a queue. Each side sees what the other one has written as late as is allowed.
struct Memory {
    /// The bytes that the device sees.
    device: RefCell<Vec<u8>>,
    /// The bytes that the driver sees.
    driver: RefCell<Vec<u8>>,
    /// The bytes that the driver has written since the device was last shown all, by place.
    hidden: RefCell<Vec<(usize, Vec<u8>)>>,
}

fn store(memory: &mut [u8], at: usize, bytes: &[u8]) {
    memory[at..at + bytes.len()].copy_from_slice(bytes);
}

fn load<const N: usize>(memory: &[u8], at: usize) -> [u8; N] {
    memory[at..at + N].try_into().unwrap()
}

impl Memory {
    fn new(len: usize) -> Self {
        let zeroes = || RefCell::new(vec![0; len]);
        Self {
            device: zeroes(),
            driver: zeroes(),
            hidden: RefCell::default(),
        }
    }

    fn hide(&self, at: usize, bytes: &[u8]) {
        // A place beyond the end is found here.
        assert!(at + bytes.len() <= self.device.borrow().len());
        self.hidden.borrow_mut().push((at, bytes.to_vec()));
    }

    fn device_u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(load(&self.device.borrow(), at))
    }

    fn device_writes(&self, at: usize, bytes: &[u8]) {
        store(&mut self.device.borrow_mut(), at, bytes);
    }
}

impl QueueMemory for Memory {
    fn put_descriptor(&self, at: usize, words: [u64; 2]) {
        assert_eq!(at % 16, 0);
        for (n, word) in words.into_iter().enumerate() {
            self.hide(at + 8 * n, &word.to_le_bytes());
        }
    }

    fn put(&self, at: usize, id: u16) {
        assert_eq!(at % 2, 0);
        self.hide(at, &id.to_le_bytes());
    }

    fn publish(&self, at: usize, index: u16) {
        let mut device = self.device.borrow_mut();
        for (at, bytes) in self.hidden.take() {
            store(&mut device, at, &bytes);
        }
        store(&mut device, at, &index.to_le_bytes());
    }

    fn index(&self, at: usize) -> u16 {
        let mut driver = self.driver.borrow_mut();
        driver.copy_from_slice(&self.device.borrow());
        u16::from_le_bytes(load(&driver, at))
    }

    fn used(&self, at: usize) -> (u32, u32) {
        assert_eq!(at % 4, 0);
        let driver = self.driver.borrow();
        let word = |at| u32::from_le_bytes(load(&driver, at));
        (word(at), word(at + 4))
    }
}

/// A request as the driver made it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Request {
    token: u32,
    addr: u64,
    len: u32,
    room: u32,
}

/// Both sides of a queue, and what must hold.
struct Model {
    layout: Layout,
    memory: Memory,
    ring: Ring<u32>,
    /// The requests that have not come back, by id.
    outstanding: BTreeMap<u16, Request>,
    /// The ids that an honest device has taken, and how far it has come in both rings.
    taken: Vec<u16>,
    available: u16,
    used: u16,
    /// The number of requests that were made, and that have come back.
    made: u32,
    back: u16,
    closed: bool,
    returned: Vec<u32>,
}

impl Model {
    fn new(entries: u16) -> Self {
        let layout = Layout { entries };
        let n = usize::from(entries);
        // The parts as the specification has them: they are aligned, and do not overlap.
        assert!(layout.available() >= 16 * n && layout.available() % 2 == 0);
        assert!(layout.used() >= layout.available() + 6 + 2 * n && layout.used() % 4 == 0);
        assert!(layout.bytes() >= layout.used() + 6 + 8 * n);
        Self {
            layout,
            memory: Memory::new(layout.bytes()),
            ring: Ring::new(layout),
            outstanding: BTreeMap::new(),
            taken: Vec::new(),
            available: 0,
            used: 0,
            made: 0,
            back: 0,
            closed: false,
            returned: Vec::new(),
        }
    }

    /// Returns the place of an entry of the available ring.
    fn available_at(&self, index: u16) -> usize {
        self.layout.available() + 4 + 2 * usize::from(index % self.layout.entries)
    }

    fn used_at(&self, index: u16) -> usize {
        self.layout.used() + 4 + 8 * usize::from(index % self.layout.entries)
    }

    /// Makes a request. The device sees all of it, or nothing.
    fn push(&mut self, room: u32) {
        let request = Request {
            token: self.made,
            addr: 0x1_0000_0000 + u64::from(self.made) * 64,
            len: 48,
            room,
        };
        let table = (request.addr, request.len);
        let before = self.memory.device.borrow().clone();
        let result = self.ring.push(&self.memory, table, room, request.token);
        if self.closed || self.outstanding.len() == usize::from(self.layout.entries) {
            assert_eq!(result, Err(request.token));
            assert_eq!(*self.memory.device.borrow(), before);
            return;
        }
        assert_eq!(result, Ok(()));
        let id = self.memory.device_u16(self.available_at(self.made as u16));
        self.made += 1;
        assert!(id < self.layout.entries);
        let index = self.memory.device_u16(self.layout.available() + 2);
        assert_eq!(index, self.made as u16);
        let bytes: [u8; 16] = load(&self.memory.device.borrow(), 16 * usize::from(id));
        assert_eq!(bytes[..8], request.addr.to_le_bytes());
        assert_eq!(bytes[8..12], request.len.to_le_bytes());
        // An indirect table, and no other descriptor.
        assert_eq!(bytes[12..], [4, 0, 0, 0]);
        assert_eq!(self.outstanding.insert(id, request), None);
    }

    /// Takes what comes back, and compares it with what the memory says.
    fn pop(&mut self) {
        let index = self.memory.device_u16(self.layout.used() + 2);
        let entry: [u8; 8] = load(&self.memory.device.borrow(), self.used_at(self.back));
        let [id, len] = [0, 4].map(|at| u32::from_le_bytes(load(&entry, at)));
        let ready = usize::from(index.wrapping_sub(self.back));
        let request = u16::try_from(id)
            .ok()
            .and_then(|id| self.outstanding.get(&id));
        let right = match request {
            _ if self.closed || ready == 0 => Ok(None),
            _ if ready > self.outstanding.len() => Err(Lie::Index(index)),
            None => Err(Lie::Id(id)),
            Some(request) if len > request.room => Err(Lie::Length(len)),
            Some(request) => Ok(Some((request.token, len))),
        };
        let result = self.ring.pop(&self.memory);
        assert_eq!(result, right);
        match result {
            Ok(None) => {}
            Ok(Some((token, _))) => {
                self.outstanding.remove(&(id as u16));
                self.taken.retain(|taken| u32::from(*taken) != id);
                self.back = self.back.wrapping_add(1);
                self.returned.push(token);
            }
            Err(_) => self.closed = true,
        }
    }

    /// Takes all that is available, as an honest device does.
    fn take(&mut self) {
        let index = self.memory.device_u16(self.layout.available() + 2);
        while self.available != index {
            self.taken
                .push(self.memory.device_u16(self.available_at(self.available)));
            self.available = self.available.wrapping_add(1);
        }
    }

    /// Writes an entry of the used ring, as the device does when it is done with a request.
    fn complete(&mut self, id: u32, len: u32) {
        let at = self.used_at(self.used);
        self.memory.device_writes(at, &id.to_le_bytes());
        self.memory.device_writes(at + 4, &len.to_le_bytes());
        self.used = self.used.wrapping_add(1);
        let at = self.layout.used() + 2;
        self.memory.device_writes(at, &self.used.to_le_bytes());
    }

    /// Completes one of the requests that an honest device has taken, in any order.
    fn complete_one(&mut self, input: &mut impl Choose) {
        self.take();
        if !self.taken.is_empty() {
            let id = self.taken.swap_remove(input.below(self.taken.len()));
            // An honest device completes what it has, but a lie may have ended that before.
            let room = self.outstanding.get(&id).map_or(0, |request| request.room);
            self.complete(id.into(), input.below(room as usize + 1) as u32);
        }
    }

    /// Lies as a device may: writes something at random, which is right only by chance.
    fn lie(&mut self, input: &mut impl Choose) {
        let any = |input: &mut _| Choose::below(input, 256) as u32;
        match input.below(5) {
            // An index that has jumped, a little or far.
            0 => {
                let step = [any(input), any(input) << 8][input.below(2)] as u16;
                self.used = self.used.wrapping_add(step);
                let at = self.layout.used() + 2;
                self.memory.device_writes(at, &self.used.to_le_bytes());
            }
            1 => {
                let id = [any(input) % 80, any(input) << 16, u32::MAX][input.below(3)];
                self.complete(id, 0);
            }
            2 => {
                let id = any(input) % u32::from(self.layout.entries);
                let len = [any(input), u32::MAX - any(input)][input.below(2)];
                self.complete(id, len);
            }
            // The entry before, once more.
            3 => {
                let at = self.used_at(self.used.wrapping_sub(1));
                let entry: [u8; 8] = load(&self.memory.device.borrow(), at);
                let [id, len] = [0, 4].map(|at| u32::from_le_bytes(load(&entry, at)));
                self.complete(id, len);
            }
            // Anything, in the used ring: the device may write no other part.
            _ => {
                let start = self.layout.used();
                let at = start + input.below(self.layout.bytes() - start);
                self.memory.device_writes(at, &[any(input) as u8]);
            }
        }
    }

    fn step(&mut self, input: &mut impl Choose, lies: bool) {
        match input.below(16) {
            0..=5 => self.push(input.below(5000) as u32),
            6..=9 => self.complete_one(input),
            10 if lies => self.lie(input),
            _ => self.pop(),
        }
        assert_eq!(usize::from(self.ring.outstanding()), self.outstanding.len());
    }

    /// Ends the queue. Each token has come back, once.
    fn end(mut self) {
        let mut tokens: Vec<u32> = self.ring.tokens().copied().collect();
        tokens.sort();
        let mut left: Vec<u32> = self.outstanding.values().map(|sent| sent.token).collect();
        left.sort();
        assert_eq!(tokens, left);
        while let Some(token) = self.ring.drain() {
            self.returned.push(token);
        }
        assert_eq!(self.ring.outstanding(), 0);
        self.closed = true;
        self.outstanding.clear();
        self.push(1);
        self.pop();
        self.returned.sort();
        assert!(self.returned.iter().copied().eq(0..self.made));
    }
}

/// Chooses the number of entries of a queue.
fn entries(input: &mut impl Choose) -> u16 {
    1 << input.below(MAX_ENTRIES.ilog2() as usize + 1)
}

/// The number of queues that a test makes; few under Miri, which is slow.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 10_000 };
const STEPS: usize = 200;

#[test]
fn all_comes_back_from_an_honest_device() {
    let mut random = Random::new(1);
    for _ in 0..ROUNDS / 10 {
        let mut model = Model::new(entries(&mut random));
        for _ in 0..STEPS {
            model.step(&mut random, false);
            assert!(!model.closed);
        }
        while !model.outstanding.is_empty() {
            model.complete_one(&mut random);
            model.pop();
        }
        model.end();
    }
}

/// The indices wrap, and so do the places.
#[test]
fn indices_wrap() {
    for entries in [1, 4, MAX_ENTRIES] {
        let mut model = Model::new(entries);
        for _ in 0..if cfg!(miri) { 300 } else { 70_000 } {
            model.push(1);
            model.take();
            let id = model.taken.remove(0);
            model.complete(id.into(), 1);
            model.pop();
            assert!(model.outstanding.is_empty());
        }
        model.end();
    }
}

#[test]
fn a_device_that_lies_gets_nothing_it_does_not_have() {
    // So many steps come to each lie in each state.
    assert!(cfg!(miri) || ROUNDS * STEPS >= 1_000_000);
    let (mut random, mut found) = (Random::new(2), 0);
    for _ in 0..ROUNDS {
        let mut model = Model::new(entries(&mut random));
        for _ in 0..STEPS {
            model.step(&mut random, true);
        }
        found += usize::from(model.closed);
        model.end();
    }
    assert!(found > ROUNDS / 2, "few lies were found: {found}");
}

/// Does what `data` chooses. libFuzzer calls this.
#[cfg(fuzzing)]
#[no_mangle]
extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, len: usize) -> i32 {
    // SAFETY: libFuzzer passes `len` valid bytes, and keeps them unchanged until this returns.
    let mut input = Input(unsafe { core::slice::from_raw_parts(data, len) });
    let mut model = Model::new(entries(&mut input));
    while !input.0.is_empty() {
        model.step(&mut input, true);
    }
    model.end();
    0
}
