// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of handlers.rs: interrupts, work items and timers of one binding. handlers.h documents
 * the functions.
 *
 * This is C because the structures differ between configurations of the kernel, and because
 * INIT_WORK() and timer_setup() are macros.
 */
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "driver/handlers.h"

/* These are the numbers of IrqReturn in mod.rs, which irq() returns. */
static_assert(IRQ_NONE == 0 && IRQ_HANDLED == 1 && IRQ_WAKE_THREAD == 2);

struct sgdma_vector {
	struct sgdma_handlers *handlers;
	/* zero if it is not requested */
	unsigned int irq;
};

struct sgdma_item {
	struct sgdma_handlers *handlers;
	struct work_struct work;
};

struct sgdma_timer {
	struct sgdma_handlers *handlers;
	struct timer_list timer;
};

struct sgdma_handlers {
	refcount_t refs;
	const struct sgdma_handler_calls *calls;
	const void *context;
	unsigned int nr_vectors;
	unsigned int nr_items;
	unsigned int nr_timers;
	struct sgdma_vector *vectors;
	struct sgdma_item *items;
	struct sgdma_timer *timers;
	bool shut_down;
};

static irqreturn_t run_irq(int irq, void *cookie)
{
	struct sgdma_vector *vector = cookie;
	const struct sgdma_handlers *handlers = vector->handlers;

	return handlers->calls->irq(handlers->context, vector - handlers->vectors);
}

static irqreturn_t run_irq_thread(int irq, void *cookie)
{
	struct sgdma_vector *vector = cookie;
	const struct sgdma_handlers *handlers = vector->handlers;

	handlers->calls->irq_thread(handlers->context, vector - handlers->vectors);
	return IRQ_HANDLED;
}

static void run_item(struct work_struct *work)
{
	struct sgdma_item *item = container_of(work, struct sgdma_item, work);
	const struct sgdma_handlers *handlers = item->handlers;

	handlers->calls->work(handlers->context, item - handlers->items);
}

static void run_timer(struct timer_list *list)
{
	struct sgdma_timer *timer = container_of(list, struct sgdma_timer, timer);
	const struct sgdma_handlers *handlers = timer->handlers;

	handlers->calls->timer(handlers->context, timer - handlers->timers);
}

struct sgdma_handlers *sgdma_handlers_new(const struct sgdma_handler_calls *calls,
					  unsigned int items, unsigned int timers,
					  unsigned int vectors)
{
	struct sgdma_handlers *handlers = kzalloc(sizeof(*handlers), GFP_KERNEL);

	if (!handlers)
		return NULL;
	refcount_set(&handlers->refs, 1);
	handlers->calls = calls;
	/* kcalloc(0) is not NULL. */
	handlers->vectors = kcalloc(vectors, sizeof(*handlers->vectors), GFP_KERNEL);
	handlers->items = kcalloc(items, sizeof(*handlers->items), GFP_KERNEL);
	handlers->timers = kcalloc(timers, sizeof(*handlers->timers), GFP_KERNEL);
	if (!handlers->vectors || !handlers->items || !handlers->timers) {
		sgdma_handlers_put(handlers);
		return NULL;
	}
	for (; handlers->nr_vectors < vectors; handlers->nr_vectors++)
		handlers->vectors[handlers->nr_vectors].handlers = handlers;
	for (; handlers->nr_items < items; handlers->nr_items++) {
		handlers->items[handlers->nr_items].handlers = handlers;
		INIT_WORK(&handlers->items[handlers->nr_items].work, run_item);
	}
	for (; handlers->nr_timers < timers; handlers->nr_timers++) {
		handlers->timers[handlers->nr_timers].handlers = handlers;
		timer_setup(&handlers->timers[handlers->nr_timers].timer, run_timer, 0);
	}
	return handlers;
}
EXPORT_SYMBOL_GPL(sgdma_handlers_new);

void sgdma_handlers_lend(struct sgdma_handlers *handlers, const void *context)
{
	handlers->context = context;
}
EXPORT_SYMBOL_GPL(sgdma_handlers_lend);

int sgdma_handlers_request_irq(struct sgdma_handlers *handlers, unsigned int vector,
			       unsigned int irq, struct module *owner)
{
	struct sgdma_vector *cookie = &handlers->vectors[vector];
	int ret = request_threaded_irq(irq, run_irq,
				       handlers->calls->irq_thread ? run_irq_thread : NULL,
				       IRQF_SHARED, module_name(owner), cookie);

	if (!ret)
		cookie->irq = irq;
	return ret;
}
EXPORT_SYMBOL_GPL(sgdma_handlers_request_irq);

void sgdma_handlers_shut_down(struct sgdma_handlers *handlers)
{
	WRITE_ONCE(handlers->shut_down, true);
	for (unsigned int i = 0; i < handlers->nr_vectors; i++) {
		if (handlers->vectors[i].irq)
			free_irq(handlers->vectors[i].irq, &handlers->vectors[i]);
		handlers->vectors[i].irq = 0;
	}
	/* Each of these may start the other, so waiting for them would not end them. */
	for (unsigned int i = 0; i < handlers->nr_items; i++)
		disable_work_sync(&handlers->items[i].work);
	for (unsigned int i = 0; i < handlers->nr_timers; i++)
		timer_shutdown_sync(&handlers->timers[i].timer);
}
EXPORT_SYMBOL_GPL(sgdma_handlers_shut_down);

bool sgdma_handlers_are_live(const struct sgdma_handlers *handlers)
{
	return !READ_ONCE(handlers->shut_down);
}

bool sgdma_handlers_get(struct sgdma_handlers *handlers, unsigned int item)
{
	if (item >= handlers->nr_items)
		return false;
	refcount_inc(&handlers->refs);
	return true;
}
EXPORT_SYMBOL_GPL(sgdma_handlers_get);

void sgdma_handlers_put(struct sgdma_handlers *handlers)
{
	if (!refcount_dec_and_test(&handlers->refs))
		return;
	kfree(handlers->vectors);
	kfree(handlers->items);
	kfree(handlers->timers);
	kfree(handlers);
}
EXPORT_SYMBOL_GPL(sgdma_handlers_put);

unsigned int sgdma_handlers_vectors(const struct sgdma_handlers *handlers)
{
	return handlers->nr_vectors;
}
EXPORT_SYMBOL_GPL(sgdma_handlers_vectors);

bool sgdma_handlers_queue(struct sgdma_handlers *handlers, unsigned int item)
{
	return item < handlers->nr_items && queue_work(system_dfl_wq, &handlers->items[item].work);
}
EXPORT_SYMBOL_GPL(sgdma_handlers_queue);

void sgdma_handlers_start_timer(struct sgdma_handlers *handlers, unsigned int timer,
				unsigned long delay)
{
	/* A longer delay would lie in the past. */
	if (timer < handlers->nr_timers)
		mod_timer(&handlers->timers[timer].timer, jiffies + min(delay, MAX_JIFFY_OFFSET));
}
EXPORT_SYMBOL_GPL(sgdma_handlers_start_timer);

bool sgdma_handlers_stop_timer(struct sgdma_handlers *handlers, unsigned int timer)
{
	return timer < handlers->nr_timers && timer_delete(&handlers->timers[timer].timer);
}
EXPORT_SYMBOL_GPL(sgdma_handlers_stop_timer);
