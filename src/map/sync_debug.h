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

#endif
