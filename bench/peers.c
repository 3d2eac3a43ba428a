// SPDX-License-Identifier: GPL-2.0
/*
 * What the library is measured beside: the same work done in C.
 */
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/scatterlist.h>

#include "peers.h"

/* In nanoseconds, of which an instruction takes one under QEMU's icount. */
u64 bench_measure(void (*run)(void *), void *data)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = ktime_get_ns();
	run(data);
	end = ktime_get_ns();
	local_irq_restore(flags);
	return end - start;
}

void bench_fill_c(struct sg_table *sgt, u64 *ptes)
{
	struct sg_dma_page_iter iter;
	size_t i = 0;

	for_each_sgtable_dma_page(sgt, &iter, 0)
		ptes[i++] = sg_page_iter_dma_address(&iter);
}
