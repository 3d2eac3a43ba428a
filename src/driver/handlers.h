/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts, work items and timers, which run on a device's behalf (handlers.c). The Rust half is
 * handlers.rs.
 */
#ifndef SGDMA_HANDLERS_H
#define SGDMA_HANDLERS_H

#include <linux/types.h>

struct module;
struct sgdma_handlers;

/*
 * The handlers of a driver. @context is what sgdma_handlers_lend() was given. The number says which
 * vector, work item or timer it is. A driver without such a handler has NULL.
 */
struct sgdma_handler_calls {
	/* In hard interrupt context. Returns an irqreturn_t. */
	unsigned int (*irq)(const void *context, unsigned int vector);
	/* In a thread, after irq() has returned IRQ_WAKE_THREAD. */
	void (*irq_thread)(const void *context, unsigned int vector);
	/* In a workqueue. */
	void (*work)(const void *context, unsigned int item);
	/* In soft interrupt context. */
	void (*timer)(const void *context, unsigned int timer);
};

/*
 * Allocates the work items, timers and vectors of a binding, each at rest. @calls is used until
 * sgdma_handlers_shut_down(). Returns a reference, or NULL if there is no memory. May sleep.
 */
struct sgdma_handlers *sgdma_handlers_new(const struct sgdma_handler_calls *calls,
					  unsigned int items, unsigned int timers,
					  unsigned int vectors);

/* Sets the argument of all handlers. None may have been started before. */
void sgdma_handlers_lend(struct sgdma_handlers *handlers, const void *context);

/*
 * Requests the interrupt of a vector, which may arrive at once: request_threaded_irq(). Its name is
 * that of @owner, which has the handlers. Other devices may have the same line, as for
 * pci_request_irq(). Returns zero or an error. May sleep.
 */
int sgdma_handlers_request_irq(struct sgdma_handlers *handlers, unsigned int vector,
			       unsigned int irq, struct module *owner);

/*
 * Ends all handlers, and waits for those that run. Interrupts are freed first. Then neither work
 * items nor timers can be started again. May sleep.
 */
void sgdma_handlers_shut_down(struct sgdma_handlers *handlers);

/* Returns true unless the handlers were shut down, or are being shut down. For any context. */
bool sgdma_handlers_are_live(const struct sgdma_handlers *handlers);

/*
 * Takes another reference, for queueing @item. Returns false if the driver has no such work item.
 * For any context.
 */
bool sgdma_handlers_get(struct sgdma_handlers *handlers, unsigned int item);

/* Gives a reference back. The last one is of handlers that were shut down. For any context. */
void sgdma_handlers_put(struct sgdma_handlers *handlers);

/* Returns the number of vectors. For any context. */
unsigned int sgdma_handlers_vectors(const struct sgdma_handlers *handlers);

/*
 * Queues a work item. Returns false if the item was queued already, is not one of the driver's, or
 * was shut down. For any context.
 */
bool sgdma_handlers_queue(struct sgdma_handlers *handlers, unsigned int item);

/*
 * Makes a timer expire in @delay jiffies, also if it was to expire at another time. Does nothing
 * if the timer is not one of the driver's, or was shut down. For any context.
 */
void sgdma_handlers_start_timer(struct sgdma_handlers *handlers, unsigned int timer,
				unsigned long delay);

/*
 * Stops a timer: timer_delete(). The handler may be running. Returns false if the timer was not to
 * expire. For any context.
 */
bool sgdma_handlers_stop_timer(struct sgdma_handlers *handlers, unsigned int timer);

#endif
