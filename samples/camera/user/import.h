/* SPDX-License-Identifier: GPL-2.0 */
/* Frames that go to a dma-buf of another exporter. */
#ifndef SGDMA_CAMERA_IMPORT_H
#define SGDMA_CAMERA_IMPORT_H

#include "../../common/user/exporters.h"
#include "stream.h"

static int try_import(int fd, __u32 index, int dma_buf)
{
	union request r = OF_IMPORT(index, dma_buf);

	return ioctl(fd, SGDMA_CAMERA_IMPORT, &r);
}

/* Sends the frames of a buffer to a dma-buf, which the program maps in place of the pages. */
static void import(struct stream *s, __u32 index)
{
	struct buffer *b = &s->buffers[index];
	int dma_buf = from_heap(b->is.length);

	if (b->map)
		must(munmap(b->map, b->is.length), "munmap");
	b->map = map_dma_buf(dma_buf, b->is.length);
	synchronise(dma_buf, DMA_BUF_SYNC_START);
	memset(b->map, BEFORE, b->is.length);
	synchronise(dma_buf, DMA_BUF_SYNC_END);
	must(try_import(s->fd, index, dma_buf), "IMPORT");
	close(dma_buf);
	b->is = look(s->fd, index);
	expect(b->is.state == SGDMA_CAMERA_IMPORTED && !b->is.nents && !b->is.first[0],
	       "QUERY of a dma-buf that is not queued");
}

static void refuse_imports(struct stream *s)
{
	__u32 len = s->buffers[0].is.length, page = getpagesize();
	int ends[2], dma_buf = from_heap(len);
	pid_t pid;
	void *map = mmap(NULL, page, PROT_READ, MAP_SHARED, s->fd, s->buffers[0].is.mmap_offset);

	refused("mmap of a dma-buf by its node", EINVAL, map == MAP_FAILED ? -1 : 0);
	refused("IMPORT to a buffer that is not there", EINVAL,
		try_import(s->fd, s->count, dma_buf));
	queue(s, 0);
	refused("IMPORT to a buffer that is queued", EBUSY, try_import(s->fd, 0, dma_buf));
	close(dma_buf);
	refused("IMPORT of a closed descriptor", EBADF, try_import(s->fd, 1, dma_buf));
	must(pipe(ends), "pipe");
	refused("IMPORT of a pipe", EINVAL, try_import(s->fd, 1, ends[0]));
	close(ends[0]);
	close(ends[1]);
	dma_buf = from_heap(len - page);
	refused("IMPORT of a dma-buf that is too short", EINVAL, try_import(s->fd, 1, dma_buf));
	close(dma_buf);
	dma_buf = from_heap(len);
	turn(s, true);
	queue(s, 1);
	pid = begin_capture(s);
	refused("IMPORT meanwhile", EBUSY, try_import(s->fd, 0, dma_buf));
	end_capture(pid);
	close(dma_buf);
	turn(s, false);
	SAY(1, "%u requests refused: ok\n", refusals);
}

/* @works: the device may have its turn at what other drivers export. */
static void exercise_imports(int fd, bool works)
{
	static struct stream s;

	s.fd = fd;
	/* More than a page of a kernel with large pages. */
	set_format(&s, 640, 80, 0, 100);
	request(&s, 2, false);
	import(&s, 0);
	if (!works) {
		union request r = OF_INDEX(0, 0);

		refused("QUEUE of a dma-buf", EOPNOTSUPP, ioctl(fd, SGDMA_CAMERA_QUEUE, &r));
		SAY(1, "a dma-buf of another driver: refused\n");
		return;
	}
	turn(&s, true);
	for (unsigned int i = 0; i < 3; i++) {
		queue(&s, 0);
		expect(look(fd, 0).nents && look(fd, 0).first[0], "no entries while queued");
		queue(&s, 1);
		capture(&s, 0, 0, 20);
		capture(&s, 1, 0, 20);
	}
	import(&s, 0);
	queue(&s, 0);
	capture(&s, 0, 0, 20);
	turn(&s, false);
	refuse_imports(&s);
	/* The file is closed with a dma-buf queued. */
	queue(&s, 0);
	SAY(1, "%u frames, every other one to a dma-buf: ok\n", frames);
}

#endif
