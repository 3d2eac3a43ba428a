/* SPDX-License-Identifier: GPL-2.0 */
/* The C half of iova.rs: what is counted of reserved ranges (iova.c). */
#ifndef SGDMA_IOVA_H
#define SGDMA_IOVA_H

#include <linux/types.h>

struct device;

/*
 * Adds to the number of reserved ranges, and to the number of bytes that are linked in them. Both
 * may be negative. For any context.
 */
void sgdma_count_ranges(long ranges, long bytes);

/* Stores the number of reserved ranges, and of the bytes that are linked. For any context. */
void sgdma_ranges(long *ranges, long *bytes);

/* Logs that a driver has forgotten @number ranges, as its binding ends. */
void sgdma_say_forgotten(struct device *dev, long number);

/* Adds the file of the ranges to the module's directory in debugfs. May sleep. */
void sgdma_iova_init(void);

#endif
