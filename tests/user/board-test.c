// SPDX-License-Identifier: GPL-2.0
/*
 * board-test ROUTE [translated] [map] BOARD GPU: a GPU uses the memory of a board or an
 * NVMe controller, which is taken back when the driver of that is unbound. Prints what
 * was done, or the reason why not and exits with 1.
 *
 * ROUTE is sgdma's answer, of its report on peers. "translated" is for a GPU behind an
 * IOMMU. With "map" no byte is moved: this machine's bridges do not carry it.
 *
 * board-test hold BOARD HOLDER: HOLDER, a node of the test module sgdma_holder, does not
 * give the memory back when the board's driver is unbound, and its device is stopped.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#define PROGRAM		"board-test"
#include "peer.h"
#include "unbind.h"

#include "../../samples/ivshmem/sgdma_ivshmem.h"
#include "../../samples/nvme/sgdma_nvme.h"

/* Both boards have their memory there. */
#define MEMORY_BAR	2

static const char *board;
static char place[16];		/* the board's address */

static bool is_nvme(void)
{
	return strstr(board, "sgdma_nvme");
}

/* Returns a descriptor, or -1. */
static int try_export(__u64 len, __u32 pad)
{
	struct sgdma_nvme_export of_nvme = { .len = len, .pad = pad };
	struct sgdma_ivshmem_export r = { .len = len, .pad = pad };
	int fd = must(open(board, O_RDWR), board), result;

	if (is_nvme()) {
		result = ioctl(fd, SGDMA_NVME_EXPORT, &of_nvme);
		r.fd = of_nvme.fd;
	} else {
		result = ioctl(fd, SGDMA_IVSHMEM_EXPORT, &r);
	}
	close(fd);
	return result < 0 ? result : r.fd;
}

static void export(void)
{
	dma_buf = must(try_export(LEN, 0), "EXPORT");
}

/* Prints the path of a file of the board in sysfs. */
static const char *board_file(const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", place, name);
	return path;
}

/* Returns where the bus has the board's memory: its bus addresses are its physical ones. */
static __u64 bus_address(void)
{
	static char lines[512];
	int fd = must(open(board_file("resource"), O_RDONLY), "resource");
	char *line = lines;

	lines[must(read(fd, lines, sizeof(lines) - 1), "resource")] = 0;
	close(fd);
	for (int i = 0; i < MEMORY_BAR; i++)
		line = strchr(line, '\n') + 1;
	return strtoul(line, NULL, 16);
}

static void map_bar(void)
{
	int fd = must(open(board_file("resource2"), O_RDWR), "resource2");

	bar = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(bar == MAP_FAILED ? -1 : 0, "mmap of the BAR");
	close(fd);
}

static void take_back(void)
{
	write_address("unbind");
}

static void wait_for_board(void)
{
	for (int i = 0; i < 100 && access(board, R_OK); i++)
		usleep(100000);
}

static void give_again(void)
{
	union request r = OF_HANDLE(handle);

	must(ioctl(gpu, SGDMA_GPU_DESTROY, &r), "DESTROY");
	must(close(dma_buf), "close");
	write_address("bind");
	wait_for_board();
	export();
	import();
}

/* The first buffer lies at the beginning of the memory, and was cleared. */
static void expect_cleared(void)
{
	for (size_t i = 0; i < LEN; i++)
		expect(!bar[i], "the buffer was not cleared");
}

static void refuse(void)
{
	int rest, other;

	refused("EXPORT of nothing", EINVAL, try_export(0, 0));
	refused("EXPORT of part of a page", EINVAL, try_export(LEN + 1, 0));
	refused("EXPORT with a field that is not zero", EINVAL, try_export(LEN, 1));
	refused("EXPORT of more than there is", ENOSPC, try_export(MIB(4), 0));
	rest = must(try_export(MIB(4) - LEN, 0), "EXPORT of the rest");
	refused("EXPORT of a page when none is left", ENOSPC, try_export(KIB(4), 0));
	must(close(rest), "close");
	other = must(try_export(KIB(4), 0), "EXPORT of what was closed");
	refused("mmap of the descriptor", EINVAL,
		mmap(NULL, KIB(4), PROT_READ, MAP_SHARED, other, 0) == MAP_FAILED ? -1 : 0);
	must(close(other), "close");
}

/* Checks where the GPU finds the memory. */
static void expect_way(bool by_bus, bool translated)
{
	union request r = OF_BIND(handle, 64);
	__u64 there = bus_address() / GPU_PAGE;

	must(ioctl(gpu, SGDMA_GPU_BIND, &r), "BIND");
	SAY(1, "the board's page %#lx is page %#lx for the GPU\n", (long)there, (long)r.bind.first);
	expect((r.bind.first == there) == (by_bus || !translated),
	       "the GPU does not find the memory by the route of the report");
	r = OF_HANDLE(handle);
	must(ioctl(gpu, SGDMA_GPU_UNBIND, &r), "UNBIND");
}

static void use_board(const char *path)
{
	char *end;

	board = path;
	if (!use_node(path)) {
		SAY(2, "%s is no node of sgdma\n", path);
		exit(2);
	}
	snprintf(place, sizeof(place), "%s", address);
	end = strchr(place, '-');	/* the name of a namespace goes on */
	if (end)
		*end = 0;
	address = place;
}

/* Returns true if the holder's device writes to the first bytes within a second. */
static bool device_writes(void)
{
	memset(bar, 0, 8);
	sleep(1);
	return memcmp(bar, page, 8);
}

/* Returns true if the device stops within a time. */
static bool device_stops(int seconds)
{
	for (; seconds > 0; seconds--)
		if (!device_writes() && !device_writes())
			return true;
	return false;
}

/* Returns true if the report says that some memory was taken back. */
static bool reports_taken_back(void)
{
	static char report[1 << 14];
	int fd = must(open("/sys/kernel/debug/sgdma/peers", O_RDONLY), "peers");
	size_t len = 0, more;

	do {
		more = must(read(fd, report + len, sizeof(report) - 1 - len), "peers");
		len += more;
	} while (more);
	close(fd);
	report[len] = 0;
	return strstr(report, " taken-back ");
}

/*
 * The device goes on with the memory of a board that is being unbound. It is stopped, and unbinding
 * ends when its driver has reset it. Afterwards it works again.
 */
static void stop_by_force(const char *holder)
{
	int fd = must(open(holder, O_WRONLY), holder), status;
	char text[32];
	pid_t pid;

	page = map(GPU_PAGE);	/* of zeroes */
	map_bar();
	export();
	snprintf(text, sizeof(text), "hold %d", dma_buf);
	must(write(fd, text, strlen(text)), "hold");
	expect(device_writes(), "the device does not write to the board");
	expect(!reports_taken_back(), "the report has memory that was taken back");
	pid = start_unbind();
	expect(device_writes(), "the device was stopped at once");
	expect(reports_taken_back(), "the report does not say that the memory was taken back");
	expect(!ended_within(pid, &status, 1), "unbound while the device writes");
	expect(device_stops(60), "the device still writes to the board after a minute");
	expect(!ended_within(pid, &status, 1000), "unbound while the memory is mapped");
	must(write(fd, "reset", 5), "reset");
	expect(ended_within(pid, &status, 20000), "not unbound although the memory is unmapped");
	refused("hold of what was taken back", ENODEV, write(fd, text, strlen(text)));
	must(close(dma_buf), "close");
	write_address("bind");
	wait_for_board();
	export();
	snprintf(text, sizeof(text), "hold %d", dma_buf);
	must(write(fd, text, strlen(text)), "hold after a reset");
	expect(device_writes(), "the device does not write after a reset");
	must(write(fd, "reset", 5), "reset");
	SAY(1, "a device that does not give back was stopped, and works after a reset: ok\n");
}

int main(int argc, char **argv)
{
	bool by_bus, works, translated = false, map_only = false;
	const char *route = argc > 1 ? argv[1] : "";

	if (argc == 4 && !strcmp(route, "hold")) {
		use_board(argv[2]);
		stop_by_force(argv[3]);
		return 0;
	}
	for (; argc > 4; argc--, argv++) {
		translated |= !strcmp(argv[2], "translated");
		map_only |= !strcmp(argv[2], "map");
	}
	if (argc < 4) {
		SAY(2, "ROUTE [translated] [map] BOARD GPU, or hold BOARD HOLDER\n");
		return 2;
	}
	by_bus = !strcmp(route, "bus-address");
	works = by_bus || !strcmp(route, "host-bridge");
	use_board(argv[2]);
	gpu = must(open(argv[3], O_RDWR), argv[3]);
	page = map(GPU_PAGE);
	map_bar();
	memset(bar, 0xa5, LEN);
	export();
	import();
	expect_cleared();
	refuse();
	if (!works) {
		refused("BIND", EREMOTEIO, try_bind());
		expect(!state(), "INFO: the object is mapped");
		SAY(1, "%s: refused\n", route);
		return 0;
	}
	expect_way(by_bus, translated);
	if (!map_only)
		take_back_often(take_back, give_again);
	SAY(1, "%s, %u requests refused: ok\n", route, refusals);
	return 0;
}
