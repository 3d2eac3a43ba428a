// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of all measurements. Under QEMU's icount a nanosecond is one instruction, and so is a
 * tick of the x86 counter. A UML kernel runs on the processor itself, where the counter counts
 * cycles.
 */
#include <linux/irqflags.h>
#include <linux/ktime.h>

#include "peers.h"

const char *const bench_unit = IS_ENABLED(CONFIG_UML) ? "cycles" : "instructions";

static u64 now(void)
{
#ifdef __x86_64__
	u32 low, high;

	/* The fences keep the counter from being read before earlier or after later code. */
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
