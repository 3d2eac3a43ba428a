// SPDX-License-Identifier: GPL-2.0
/*
 * exchange-test FRAMES EXPORTER NODE NODE...: devices pass frames to each other
 * through one dma-buf. The exporter is a node of sgdma_gpu. Each device writes a
 * frame in its turn, and all others, and now and then the CPU, look at the frame.
 * Prints how often each device had the dma-buf mapped.
 *
 * exchange-test hold EXPORTER: has the dma-buf made, closes the node, and holds the
 * descriptor until the program is killed.
 *
 * exchange-test kill EXPORTER DISK: kills processes while the disk has its turn. It
 * may be unbound meanwhile. The exporter gets its turn when the disk is done.
 *
 * A disk has its turn for one request. A GPU whose device needs no turns keeps its
 * mapping. Disks read and write the frames at a place that has nothing that must
 * stay.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <signal.h>
#include <sys/wait.h>

#define PROGRAM		"exchange-test"
#include "../../samples/common/user/bytes.h"
#include "../../samples/common/user/dma_buf.h"
#include "../../samples/gpu/user/requests.h"
#include "../../samples/nvme/sgdma_nvme.h"
#include "../../samples/virtio/sgdma_virtio.h"

/* The device's pages: a GPU reads and writes one at once. */
#define FRAME		((size_t)4096)
#define SEED		900

/* Where the disks have the frames. */
#define NVME_AT		MIB(56)
#define VIRTIO_AT	(MIB(15) + KIB(512))

static int dma_buf;
static size_t len;	/* of the dma-buf */
static __u8 *frame;	/* the bytes of a frame, in memory of a page of its own */

struct member {
	const char *node;
	const struct kind *kind;
	int fd;
	__u32 handle;		/* of a GPU's object */
	__u32 block_size;	/* of a disk */
	bool shares;		/* a disk needs no turns */
	bool kept;		/* a GPU needs none, and has the dma-buf mapped all the time */
	unsigned int both_ways, to_device;	/* mappings by their direction */
};

static struct member members[8];
static unsigned int count;

/* The kinds of devices. A device writes what is in `frame`, or reads it there, at an offset. */
struct kind {
	const char *name;
	void (*open)(struct member *member);
	void (*put)(struct member *member, size_t offset);
	void (*get)(struct member *member, size_t offset);
	/* Of a disk: where it has the frames, and a request that has it write or read one. */
	__u64 at;
	int (*move)(struct member *disk, bool write, __u64 at, size_t offset);
};

/* A GPU */

static void gpu_open(struct member *gpu)
{
	union request r = OF_IMPORT(dma_buf);

	must(ioctl(gpu->fd, SGDMA_GPU_IMPORT, &r), "IMPORT");
	gpu->handle = r.import.handle;
}

static int gpu_bind(struct member *gpu)
{
	union request r = OF_BIND(gpu->handle, 64);

	return ioctl(gpu->fd, SGDMA_GPU_BIND, &r);
}

static void gpu_unbind(struct member *gpu)
{
	union request r = OF_HANDLE(gpu->handle);

	must(ioctl(gpu->fd, SGDMA_GPU_UNBIND, &r), "UNBIND");
}

/* In the turn of a GPU no disk gets one. */
static void refuse_disks(void)
{
	for (struct member *disk = members; disk < members + count; disk++) {
		if (!disk->kind->move || disk->shares)
			continue;
		refused("read in a GPU's turn", EBUSY,
			disk->kind->move(disk, false, disk->kind->at, 0));
		refused("write in a GPU's turn", EBUSY,
			disk->kind->move(disk, true, disk->kind->at, 0));
	}
}

static void gpu_move(struct member *gpu, unsigned long nr, size_t offset)
{
	union request r;

	if (!gpu->kept) {
		must(gpu_bind(gpu), "BIND");
		gpu->both_ways++;
		r = OF_HANDLE(gpu->handle);
		must(ioctl(gpu->fd, SGDMA_GPU_INFO, &r), "INFO");
		gpu->kept = r.info.state & SGDMA_GPU_SHARED;
	}
	r = OF_IO(gpu->handle, offset, FRAME, frame);
	must(ioctl(gpu->fd, nr, &r), nr == SGDMA_GPU_STORE ? "STORE" : "FETCH");
	if (gpu->kept)
		return;
	if (gpu->both_ways == 1)
		refuse_disks();
	gpu_unbind(gpu);
}

static void gpu_put(struct member *gpu, size_t offset)
{
	gpu_move(gpu, SGDMA_GPU_STORE, offset);
}

static void gpu_get(struct member *gpu, size_t offset)
{
	gpu_move(gpu, SGDMA_GPU_FETCH, offset);
}

/* An NVMe disk */

static void nvme_open(struct member *nvme)
{
	struct sgdma_nvme_info info;

	must(ioctl(nvme->fd, SGDMA_NVME_INFO, &info), "INFO");
	nvme->block_size = info.block_size;
	nvme->shares = info.shares;
}

static int nvme_move(struct member *nvme, bool write, __u64 at, size_t offset)
{
	struct sgdma_nvme_dma_buf request = {
		.opcode = write ? SGDMA_NVME_WRITE : SGDMA_NVME_READ,
		.blocks = FRAME / nvme->block_size,
		.lba = at / nvme->block_size, .offset = offset, .fd = dma_buf,
	};

	return ioctl(nvme->fd, SGDMA_NVME_DMA_BUF, &request);
}

/* A disk of virtio */

static void virtio_open(struct member *virtio)
{
	struct sgdma_virtio_info info;

	must(ioctl(virtio->fd, SGDMA_VIRTIO_INFO, &info), "INFO");
	virtio->shares = info.shares;
}

static int virtio_move(struct member *virtio, bool write, __u64 at, size_t offset)
{
	struct sgdma_virtio_dma_buf request = {
		.pos = at, .offset = offset, .len = FRAME, .write = write, .fd = dma_buf,
	};

	return ioctl(virtio->fd, SGDMA_VIRTIO_DMA_BUF, &request);
}

/* Any disk: the CPU reads and writes the frame on the disk, and the disk the one in the dma-buf. */

static void disk_move(struct member *disk, bool write, size_t offset)
{
	int status = must(disk->kind->move(disk, write, disk->kind->at, offset), "DMA_BUF");

	expect(!status, "DMA_BUF failed");
}

static void disk_put(struct member *disk, size_t offset)
{
	write_bytes(disk->fd, disk->kind->at, frame, FRAME);
	disk_move(disk, false, offset);
	disk->both_ways++;
}

static void disk_get(struct member *disk, size_t offset)
{
	disk_move(disk, true, offset);
	disk->to_device++;
	read_bytes(disk->fd, disk->kind->at, frame, FRAME);
}

static const struct kind kinds[] = {
	{ "/dev/sgdma_gpu-", gpu_open, gpu_put, gpu_get, 0, NULL },
	{ "/dev/sgdma_nvme-", nvme_open, disk_put, disk_get, NVME_AT, nvme_move },
	{ "/dev/sgdma_virtio-", virtio_open, disk_put, disk_get, VIRTIO_AT, virtio_move },
};

/* Asks a GPU for the dma-buf. */
static void export(const char *node)
{
	int fd = must(open(node, O_RDWR), node);
	union request r = OF_CREATE(len, SGDMA_GPU_MODE_DMABUF);

	must(ioctl(fd, SGDMA_GPU_CREATE, &r), "CREATE");
	r = OF_EXPORT(r.create.handle);
	must(ioctl(fd, SGDMA_GPU_EXPORT, &r), "EXPORT");
	dma_buf = r.export.fd;
	close(fd);
}

static struct member *add_member(const char *node)
{
	struct member *member = &members[count++];

	member->node = node;
	for (unsigned int i = 0; i < COUNT(kinds) && !member->kind; i++)
		if (!strncmp(node, kinds[i].name, strlen(kinds[i].name)))
			member->kind = &kinds[i];
	expect(member->kind, "this is no node of a GPU or a disk");
	member->fd = must(open(node, O_RDWR), node);
	member->kind->open(member);
	return member;
}

/* The CPU looks at a frame in its turn, if no device keeps it from that. */
static void look(const __u8 *bytes, unsigned int number)
{
	synchronise(dma_buf, DMA_BUF_SYNC_START);
	compare(bytes, SEED, number * FRAME, FRAME, "the CPU");
	synchronise(dma_buf, DMA_BUF_SYNC_END);
}

static void exchange(unsigned int frames)
{
	const __u8 *bytes = map_dma_buf(dma_buf, len);

	for (unsigned int i = 0; i < frames; i++) {
		struct member *writer = &members[i % count];
		size_t offset = i * FRAME % len;

		snprintf(doing, sizeof(doing), "frame %u of %s: ", i, writer->node);
		fill(frame, SEED, i * FRAME, FRAME);
		writer->kind->put(writer, offset);
		for (unsigned int j = 1; j < count; j++) {
			struct member *reader = &members[(i + j) % count];

			memset(frame, 0, FRAME);
			reader->kind->get(reader, offset);
			compare(frame, SEED, i * FRAME, FRAME, reader->node);
		}
		if (i % 16 == 0)
			look(bytes + offset, i);
	}
	doing[0] = 0;
}

static void hold(const char *exporter)
{
	export(exporter);
	SAY(1, "holding\n");
	for (;;)
		sleep(1000);
}

/* The turn of a killed process lasts until the disk is done, and no longer. */
static void kill_in_turn(struct member *gpu, struct member *disk)
{
	pid_t pids[8];
	int status, result = -1;

	for (unsigned int i = 0; i < COUNT(pids); i++) {
		pids[i] = must(fork(), "fork");
		while (!pids[i])
			disk->kind->move(disk, false, 0, 0);
	}
	SAY(1, "holding\n");
	usleep(1500000);
	for (unsigned int i = 0; i < COUNT(pids); i++) {
		must(kill(pids[i], SIGKILL), "kill");
		must(waitpid(pids[i], &status, 0), "waitpid");
	}
	for (unsigned int try = 0; try < 200 && result < 0; try++) {
		result = gpu_bind(gpu);
		expect(!result || errno == EBUSY, "BIND fails, and not for a turn");
		usleep(100000);
	}
	must(result, "BIND after the disk's last request");
	gpu_unbind(gpu);
	SAY(1, "%zu processes were killed in the disk's turn: ok\n", COUNT(pids));
}

int main(int argc, char **argv)
{
	unsigned int frames = argc > 4 ? atoi(argv[1]) : 0;

	len = 4 * getpagesize();
	frame = map(PAGE);
	if (argc == 3 && !strcmp(argv[1], "hold"))
		hold(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "kill")) {
		export(argv[2]);
		kill_in_turn(add_member(argv[2]), add_member(argv[3]));
		return 0;
	}
	if (!frames || argc - 3 > (int)COUNT(members)) {
		SAY(2, "FRAMES EXPORTER NODE NODE... | hold EXPORTER | kill EXPORTER DISK\n");
		return 2;
	}
	export(argv[2]);
	for (int i = 3; i < argc; i++)
		add_member(argv[i]);
	SAY(1, "exchanging\n");
	exchange(frames);
	for (unsigned int i = 0; i < count; i++)
		SAY(1, "%s was mapped %u times both ways, %u times to read\n", members[i].node,
		    members[i].both_ways, members[i].to_device);
	SAY(1, "%u frames through %zu bytes, each seen by %u others: ok\n", frames, len, count - 1);
	return 0;
}
