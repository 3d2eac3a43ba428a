// SPDX-License-Identifier: GPL-2.0
/*
 * A flag that tasks wait for, as a struct completion is, with two differences: unbinding ends the
 * wait too, and all who wait can be woken in a hard interrupt.
 *
 * This is C because a task that waits is in two queues. wait_woken() is for one queue.
 *
 * A task may free the flag when it has seen the flag set. sgdma_complete() may be running still, on
 * another CPU. So the flag is set, and the tasks are woken, under the lock of the queue, and the
 * flag is only ever read under that lock. Who reads that it is set has the lock after
 * sgdma_complete() has released it, which is the last access of that function.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "lifecycle/completion.h"

void sgdma_complete(struct wait_queue_head *queue, bool *done)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	*done = true;
	wake_up_all_locked(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}
EXPORT_SYMBOL_GPL(sgdma_complete);

bool sgdma_completion_is_done(struct wait_queue_head *queue, const bool *done)
{
	unsigned long flags;
	bool is_done;

	spin_lock_irqsave(&queue->lock, flags);
	is_done = *done;
	spin_unlock_irqrestore(&queue->lock, flags);
	return is_done;
}
EXPORT_SYMBOL_GPL(sgdma_completion_is_done);

void sgdma_completion_reset(struct wait_queue_head *queue, bool *done)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	*done = false;
	spin_unlock_irqrestore(&queue->lock, flags);
}
EXPORT_SYMBOL_GPL(sgdma_completion_reset);

int sgdma_completion_wait(struct wait_queue_head *queue, const bool *done,
			  struct wait_queue_head *unbinding, const bool *begun, long timeout)
{
	unsigned int state = unbinding ? TASK_KILLABLE : TASK_UNINTERRUPTIBLE;
	struct wait_queue_entry completed, ended;
	int ret;

	might_sleep();
	init_waitqueue_entry(&completed, current);
	add_wait_queue(queue, &completed);
	if (unbinding) {
		init_waitqueue_entry(&ended, current);
		add_wait_queue(unbinding, &ended);
	}
	for (;;) {
		/* Set before the tests: a wake-up after a test makes the task run on. */
		set_current_state(state);
		ret = 0;
		if (sgdma_completion_is_done(queue, done))
			break;
		ret = -ENODEV;
		/* Pairs with the store of Unbinding::begin(), which wakes the queue afterwards. */
		if (unbinding && smp_load_acquire(begun))
			break;
		ret = -EINTR;
		if (signal_pending_state(state, current))
			break;
		ret = -ETIMEDOUT;
		if (!timeout)
			break;
		timeout = schedule_timeout(timeout);
	}
	__set_current_state(TASK_RUNNING);
	if (unbinding)
		remove_wait_queue(unbinding, &ended);
	remove_wait_queue(queue, &completed);
	return ret;
}
EXPORT_SYMBOL_GPL(sgdma_completion_wait);
