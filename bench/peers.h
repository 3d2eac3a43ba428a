/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_BENCH_PEERS_H
#define SGDMA_BENCH_PEERS_H

#include <linux/types.h>

struct sg_table;

u64 bench_measure(void (*run)(void *), void *data);
void bench_fill_c(struct sg_table *sgt, u64 *ptes);

#endif
