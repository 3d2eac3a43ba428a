/* SPDX-License-Identifier: GPL-2.0 */
/* The C half of the quarantine (quarantine.c). */
#ifndef SGDMA_QUARANTINE_H
#define SGDMA_QUARANTINE_H

#include <linux/types.h>

struct device;
struct module;

/* The counters of the quarantine. */
enum sgdma_counter { SGDMA_HELD, SGDMA_RELEASED, SGDMA_FOR_EVER };

/*
 * Adds @number buffers and @bytes bytes, both of which may be negative, to a counter of the
 * quarantine. For any context.
 */
void sgdma_count_held(enum sgdma_counter counter, long number, long bytes);

/* Logs that the quarantine holds a buffer of @len bytes. For any context. */
void sgdma_say_held(struct device *dev, size_t len);

/* Logs that the quarantine holds a buffer of @len bytes for ever. For any context. */
void sgdma_say_for_ever(struct device *dev, size_t len);

/* Calls get_device(). For any context. */
struct device *sgdma_get_device(struct device *dev);

/* Calls put_device(). May sleep. */
void sgdma_put_device(struct device *dev);

/* Calls try_module_get(). Returns false if the module is being unloaded. */
bool sgdma_try_module_get(struct module *module);

/* Calls module_put(). For any context. */
void sgdma_module_put(struct module *module);

/* Returns true if two devices are, or have been, in the same place of the same bus. */
bool sgdma_same_place(struct device *a, struct device *b);

/* Adds the file of the quarantine to the module's directory in debugfs. May sleep. */
void sgdma_quarantine_init(void);

#endif
