/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sync-debug mode as the rest of the module sees it (sync_debug.c). The calls for drivers are in
 * include/sgdma.h.
 */
#ifndef SGDMA_SYNC_DEBUG_H
#define SGDMA_SYNC_DEBUG_H

#include <linux/types.h>

/* Returns the size in bytes of the longest segment that is sure to have a shadow. */
size_t sgdma_max_shadow(void);

/* Watches for devices that are unbound while something is mapped for them. */
void sgdma_sync_debug_init(void);

/* Ends what sgdma_sync_debug_init() starts. */
void sgdma_sync_debug_exit(void);

/*
 * Hands @len bytes of a table in sync-debug mode, from byte @offset on, to the CPU if @for_cpu is
 * true, or to the device. Returns false if the table is not in sync-debug mode.
 */
bool sgdma_shadow_sync(struct sg_table *sgt, size_t offset, size_t len, bool for_cpu);

#endif
