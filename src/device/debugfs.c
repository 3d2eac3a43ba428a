// SPDX-License-Identifier: GPL-2.0
/*
 * The report in debugfs: each device on the PCI, platform and AMBA buses with its coherency, as a
 * table for people and as JSON Lines for programs. In C, because 7.2's Rust debugfs does not keep
 * the module loaded while a file is open.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#ifdef CONFIG_ARM_AMBA
#include <linux/amba/bus.h>
#endif

#include "device/device.h"

const struct bus_type *const sgdma_buses[] = {
#ifdef CONFIG_PCI
	&pci_bus_type,
#endif
	&platform_bus_type,
#ifdef CONFIG_ARM_AMBA
	&amba_bustype,
#endif
	NULL
};

static const char *const routes[] = {
	[SGDMA_DIRECT] = "direct",
	[SGDMA_IOMMU] = "iommu",
	[SGDMA_DOMAIN] = "domain",
	[SGDMA_OPS] = "ops",
};

typedef void (*show_fn)(struct seq_file *m, struct device *dev, const char *driver, u64 mask,
			const char *path, const char *name, const char *string);

static void show_line(struct seq_file *m, struct device *dev, const char *driver, u64 mask,
		      const char *path, const char *name, const char *string)
{
	seq_printf(m, "%-9s %-24s %-16s %-7s %#-18llx %s\n", dev->bus->name, dev_name(dev),
		   driver ?: "-", path, mask, string);
}

static void show_json(struct seq_file *m, struct device *dev, const char *driver, u64 mask,
		      const char *path, const char *name, const char *string)
{
	char hex[sizeof("0x0123456789abcdef")];
	const char *const strings[][2] = {
		{ "bus", dev->bus->name }, { "device", dev_name(dev) }, { "driver", driver },
		{ "path", path }, { "mask", hex }, { "verdict", name }, { "reason", string },
	};

	/* A string, because the numbers of some JSON readers have fewer than 64 bits. */
	snprintf(hex, sizeof(hex), "%#llx", mask);
	for (int i = 0; i < ARRAY_SIZE(strings); i++) {
		seq_printf(m, "%s\"%s\": ", i ? ", " : "{", strings[i][0]);
		if (!strings[i][1]) {
			seq_puts(m, "null");
			continue;
		}
		seq_putc(m, '"');
		for (const char *c = strings[i][1]; *c; c++) {
			if (*c == '"' || *c == '\\' || *c < ' ')
				seq_printf(m, "\\u%04x", (unsigned char)*c);
			else
				seq_putc(m, *c);
		}
		seq_putc(m, '"');
	}
	seq_puts(m, "}\n");
}

struct report {
	struct seq_file *m;
	show_fn show;
};

static int show_device(struct device *dev, void *data)
{
	struct report *report = data;
	u64 mask;

	/* The lock is held while a driver binds or unbinds, which may take long. */
	if (!device_trylock(dev)) {
		report->show(report->m, dev, NULL, 0, "-", "busy",
			     "busy: a driver binds or unbinds, ask again");
		return 0;
	}
	mask = dev->dma_mask ? *dev->dma_mask : 0;
	if (dev->driver) {
		enum sgdma_coherency coherency = sgdma_coherency(dev);

		report->show(report->m, dev, dev->driver->name, mask,
			     routes[sgdma_route(dev)], sgdma_coherency_name(coherency),
			     sgdma_coherency_string(coherency));
	} else {
		report->show(report->m, dev, NULL, mask, "-", "unbound",
			     "unbound: no driver has set a DMA mask");
	}
	device_unlock(dev);
	return 0;
}

static void show_all(struct seq_file *m, show_fn show)
{
	struct report report = { m, show };

	for (int i = 0; sgdma_buses[i]; i++)
		bus_for_each_dev(sgdma_buses[i], NULL, &report, show_device);
}

static int devices_show(struct seq_file *m, void *data)
{
	seq_printf(m, "%-9s %-24s %-16s %-7s %-18s %s\n",
		   "bus", "device", "driver", "path", "mask", "verdict");
	show_all(m, show_line);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static int devices_json_show(struct seq_file *m, void *data)
{
	show_all(m, show_json);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices_json);

static struct dentry *dir;

void sgdma_report_init(void)
{
	dir = debugfs_create_dir("sgdma", NULL);
	debugfs_create_file("devices", 0400, dir, NULL, &devices_fops);
	debugfs_create_file("devices.json", 0400, dir, NULL, &devices_json_fops);
}

void sgdma_report_exit(void)
{
	debugfs_remove(dir);
}
