// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of quarantine.rs: counters with their debugfs file, log messages, and references.
 *
 * This is C because get_device(), try_module_get(), dev_err_ratelimited() and
 * DEFINE_SHOW_ATTRIBUTE() are inline functions and macros of C, and because Rust's debugfs of
 * Linux 7.2 does not keep the module loaded while a file is open.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/dcache.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "lifecycle/quarantine.h"

static const char *const names[] = {
	[SGDMA_HELD] = "held",
	[SGDMA_RELEASED] = "released",
	[SGDMA_FOR_EVER] = "for ever",
};

static struct {
	atomic_long_t number;
	atomic_long_t bytes;
} counts[ARRAY_SIZE(names)];

void sgdma_count_held(enum sgdma_counter counter, long number, long bytes)
{
	atomic_long_add(number, &counts[counter].number);
	atomic_long_add(bytes, &counts[counter].bytes);
}

void sgdma_say_held(struct device *dev, size_t len)
{
	dev_err_ratelimited(dev, "a buffer of %zu bytes was dropped that the device may still be working on: it is kept until the device is reset\n",
			    len);
}

void sgdma_say_for_ever(struct device *dev, size_t len)
{
	dev_err_ratelimited(dev, "a buffer of %zu bytes is never freed: its device or its owner's module is gone, or the device is mapped differently now\n",
			    len);
}

struct device *sgdma_get_device(struct device *dev)
{
	return get_device(dev);
}

void sgdma_put_device(struct device *dev)
{
	put_device(dev);
}

bool sgdma_try_module_get(struct module *module)
{
	return try_module_get(module);
}

void sgdma_module_put(struct module *module)
{
	module_put(module);
}

/* A device that was removed from its bus and found again has the same name. */
bool sgdma_same_place(struct device *a, struct device *b)
{
	return a->bus == b->bus && !strcmp(dev_name(a), dev_name(b));
}

static int quarantine_show(struct seq_file *m, void *data)
{
	for (int i = 0; i < ARRAY_SIZE(names); i++)
		seq_printf(m, "%s: %ld buffers, %ld bytes\n", names[i],
			   atomic_long_read(&counts[i].number), atomic_long_read(&counts[i].bytes));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(quarantine);

/* The file needs no removal: sgdma_report_exit() removes its directory with all files in it. */
void sgdma_quarantine_init(void)
{
	struct dentry *dir = debugfs_lookup("sgdma", NULL);

	if (IS_ERR_OR_NULL(dir))
		return;
	debugfs_create_file("quarantine", 0400, dir, NULL, &quarantine_fops);
	dput(dir);
}
