// SPDX-License-Identifier: GPL-2.0

//! Runs, and models that look at each of their bytes.

use crate::walk::run::Run;

/// Returns the addresses of the frames of `size` bytes that hold a byte of the run.
pub fn frames_by_bytes(run: &Run, size: u64) -> Vec<u64> {
    // Counts from the start, because the end may be that of the address space.
    let bytes = (0..run.len).map(|i| run.addr + i);
    let mut frames: Vec<u64> = bytes.map(|byte| byte / size * size).collect();
    frames.dedup();
    frames
}

/// Returns the address of each byte.
pub fn bytes(runs: &[Run]) -> Vec<u64> {
    runs.iter()
        .flat_map(|run| run.addr..run.addr + run.len)
        .collect()
}

/// Returns lists of up to three runs with small addresses and lengths, some of them empty.
pub fn run_lists() -> Vec<Vec<Run>> {
    let runs: Vec<Run> = [0, 3, 4, 8, 9, 12]
        .into_iter()
        .flat_map(|addr| [0, 1, 4, 5].map(|len| Run { addr, len }))
        .collect();
    let mut lists = vec![vec![]];
    for &a in &runs {
        lists.push(vec![a]);
        for &b in &runs {
            lists.push(vec![a, b]);
            lists.extend(runs.iter().map(|&c| vec![a, b, c]));
        }
    }
    lists
}
