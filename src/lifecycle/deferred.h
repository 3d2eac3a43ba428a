/* SPDX-License-Identifier: GPL-2.0 */
/* The C half of deferred.rs: the worker that frees buffers (deferred.c). */
#ifndef SGDMA_DEFERRED_H
#define SGDMA_DEFERRED_H

#include <linux/types.h>

/* Returns true if the caller may sleep, as far as the kernel can tell. For any context. */
bool sgdma_may_sleep(void);

/* Makes the worker call sgdma_free_deferred() soon. For any context. */
void sgdma_kick_deferred(void);

/* Waits until the worker has freed all that was deferred before this call. May sleep. */
void sgdma_flush_deferred(void);

/* Frees all that was deferred (deferred.rs). May sleep. Only for the worker. */
void sgdma_free_deferred(void);

#endif
