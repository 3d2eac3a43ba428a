/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flag that tasks wait for, and their wait queue (completion.c). The Rust half is completion.rs,
 * which has both: the size of a wait queue differs between kernels.
 */
#ifndef SGDMA_COMPLETION_H
#define SGDMA_COMPLETION_H

#include <linux/types.h>

struct wait_queue_head;

/*
 * Sets the flag *@done and wakes all who wait in @queue. For any context.
 *
 * The flag and the queue may be freed as soon as sgdma_completion_is_done() or
 * sgdma_completion_wait() has said that the flag is set, even if this function runs still.
 */
void sgdma_complete(struct wait_queue_head *queue, bool *done);

/* Returns true if the flag is set. For any context. */
bool sgdma_completion_is_done(struct wait_queue_head *queue, const bool *done);

/* Takes the flag back. For any context. */
void sgdma_completion_reset(struct wait_queue_head *queue, bool *done);

/*
 * Sleeps until the flag is set, for up to @timeout jiffies: MAX_SCHEDULE_TIMEOUT is no limit.
 *
 * If @unbinding is not NULL, the sleep also ends when that queue is woken with *@begun true, and
 * when the process is being killed. Returns zero, -ENODEV if *@begun is true, -EINTR if the process
 * is being killed, or -ETIMEDOUT. May sleep.
 */
int sgdma_completion_wait(struct wait_queue_head *queue, const bool *done,
			  struct wait_queue_head *unbinding, const bool *begun, long timeout);

#endif
