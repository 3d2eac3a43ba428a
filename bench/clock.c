// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured in. Under QEMU's icount a nanosecond is an instruction, and so is a tick of an
 * x86's counter; in a UML kernel, which runs on the processor itself, that counts cycles.
 */
#include <linux/irqflags.h>
#include <linux/ktime.h>

#include "peers.h"

const char *const bench_unit = IS_ENABLED(CONFIG_UML) ? "cycles" : "instructions";

static u64 now(void)
{
#ifdef __x86_64__
	u32 low, high;

	/* Not before what comes before it has been done, nor after what comes after it. */
	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) :: "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

u64 bench_measure(void (*run)(void *), void *data)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = now();
	run(data);
	end = now();
	local_irq_restore(flags);
	return end - start;
}
