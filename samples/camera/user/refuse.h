/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests. */
#ifndef SGDMA_CAMERA_REFUSE_H
#define SGDMA_CAMERA_REFUSE_H

#include "stream.h"

struct bad {
	const char *what;
	int error;
	unsigned long nr;
	union request r;
};

#define BAD(what, error, nr, r)	{ #nr " " what, error, SGDMA_CAMERA_ ## nr, r }

static void refuse_all(int fd, const struct bad *bad, unsigned int count)
{
	for (const struct bad *b = bad; b < bad + count; b++) {
		union request r = b->r;

		refused(b->what, b->error, ioctl(fd, b->nr, &r));
		SAY(1, "refused %s: %s\n", b->what, error_text(b->error));
	}
}

static void refuse_requests(int fd, const struct stream *s)
{
	const struct bad bad[] = {
		BAD("while there are buffers", EBUSY, FORMAT, OF_FORMAT(10, 10, 0, 0)),
		BAD("of no width", EINVAL, FORMAT, OF_FORMAT(0, 10, 0, 0)),
		BAD("of no height", EINVAL, FORMAT, OF_FORMAT(10, 0, 0, 0)),
		BAD("of too wide a frame", ERANGE, FORMAT,
		    OF_FORMAT(SGDMA_CAMERA_MAX_WIDTH + 1, 10, 0, 0)),
		BAD("of too high a frame", ERANGE, FORMAT,
		    OF_FORMAT(10, SGDMA_CAMERA_MAX_HEIGHT + 1, 0, 0)),
		BAD("of 4 Gi lines", ERANGE, FORMAT, OF_FORMAT(10, -1u, 0, 0)),
		BAD("of a line shorter than its pixels", EINVAL, FORMAT, OF_FORMAT(33, 10, 64, 0)),
		BAD("of a line of 65 bytes", EINVAL, FORMAT, OF_FORMAT(10, 10, 65, 0)),
		BAD("of a frame in the second page", EINVAL, FORMAT, OF_FORMAT(10, 10, 0, PAGE)),
		BAD("of a page too many", E2BIG, FORMAT, OF_FORMAT(10, 64, 8191 * 64 + 64, 0)),
		BAD("of a byte too many", E2BIG, FORMAT, OF_FORMAT(10, 64, 8191 * 64, 1)),
		BAD("of 12 TiB", E2BIG, FORMAT, OF_FORMAT(10, SGDMA_CAMERA_MAX_HEIGHT, -64u, 0)),
		BAD("with a pad", EINVAL, FORMAT,
		    ((union request){ .format = { .width = 10, .height = 10, .pad = 1 } })),
		BAD("while it is on", EBUSY, REQUEST, OF_REQUEST(1, 0)),
		BAD("of a flag of 2", EINVAL, REQUEST, OF_REQUEST(1, 2)),
		BAD("of a buffer that is not there", EINVAL, QUERY, OF_BUFFER(s->count)),
		BAD("of buffer -1", EINVAL, QUERY, OF_BUFFER(-1u)),
		BAD("of a buffer that is not there", EINVAL, QUEUE, OF_INDEX(s->count, 0)),
		BAD("of buffer -1", EINVAL, QUEUE, OF_INDEX(-1u, 0)),
		BAD("of what is queued", EBUSY, QUEUE, OF_INDEX(0, 0)),
		BAD("with a pad", EINVAL, QUEUE, OF_INDEX(1, 1)),
		BAD("on twice", EBUSY, STREAM, OF_STREAM(1, 0)),
		BAD("to 2", EINVAL, STREAM, OF_STREAM(2, 0)),
		BAD("with a pad", EINVAL, STREAM, OF_STREAM(0, 1)),
		BAD("with unknown flags", EINVAL, DEQUEUE, OF_FRAME(2, 0)),
		BAD("to address 0", EFAULT, DUMMY, OF_DUMMY(0)),
		BAD("to a kernel address", EFAULT, DUMMY, OF_DUMMY(-PAGE)),
		{ "an unknown number", ENOTTY, _IOWR('C', 0xef, __u64), OF_INDEX(0, 0) },
		{ "QUERY of another length", ENOTTY, _IOWR('C', 0xe2, __u64), OF_INDEX(0, 0) },
	};
	static const unsigned long nrs[] = {
		SGDMA_CAMERA_FORMAT, SGDMA_CAMERA_REQUEST, SGDMA_CAMERA_QUERY, SGDMA_CAMERA_QUEUE,
		SGDMA_CAMERA_STREAM, SGDMA_CAMERA_DEQUEUE, SGDMA_CAMERA_DUMMY,
		SGDMA_CAMERA_IMPORT,
	};

	refuse_all(fd, bad, COUNT(bad));
	for (unsigned int i = 0; i < COUNT(nrs); i++) {
		refused("a request at address 0", EFAULT, ioctl(fd, nrs[i], NULL));
		refused("a request at a kernel address", EFAULT, ioctl(fd, nrs[i], -PAGE));
	}
	SAY(1, "refused each request at address 0 and at a kernel address: %s\n",
	    error_text(EFAULT));
}

static void refuse_mmap(int fd, const char *what, __u64 size, __u64 offset, int flags)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);

	refused(what, EINVAL, map == MAP_FAILED ? -1 : 0);
	SAY(1, "refused %s: %s\n", what, error_text(errno));
}

static void refuse_read(int fd, const char *what, int error, __u64 at, void *to)
{
	must(lseek(fd, at, SEEK_SET), "lseek");
	refused(what, error, read(fd, to, PAGE));
	SAY(1, "refused %s: %s\n", what, error_text(error));
}

/* Makes bad requests to a stream without a format. */
static void refuse_early(int fd)
{
	const struct bad bad[] = {
		BAD("without a format", EINVAL, REQUEST, OF_REQUEST(1, 0)),
		BAD("without buffers", EINVAL, QUERY, OF_BUFFER(0)),
		BAD("without buffers", EINVAL, QUEUE, OF_INDEX(0, 0)),
		BAD("on without buffers", EINVAL, STREAM, OF_STREAM(1, 0)),
		BAD("of a stream that is off", EINVAL, DEQUEUE, OF_FRAME(0, 0)),
	};

	refuse_all(fd, bad, COUNT(bad));
}

/* Makes requests while the device writes a frame of the same stream. */
static void refuse_meanwhile(struct stream *s)
{
	const struct bad bad[] = {
		BAD("meanwhile", EBUSY, FORMAT, OF_FORMAT(10, 10, 0, 0)),
		BAD("meanwhile", EBUSY, REQUEST, OF_REQUEST(0, 0)),
		BAD("off meanwhile", EBUSY, STREAM, OF_STREAM(0, 0)),
		BAD("meanwhile", EBUSY, DEQUEUE, OF_FRAME(0, 0)),
	};
	static char byte;
	pid_t pid;

	queue(s, 0);
	queue(s, 1);
	pid = begin_capture(s);
	refuse_all(s->fd, bad, COUNT(bad));
	refuse_read(s->fd, "read meanwhile", EBUSY, s->buffers[0].is.mmap_offset, &byte);
	queue(s, 2);
	end_capture(pid);
}

#define REFUSE_ANSWER(what, fd, nr, r) \
	refuse_answer(what, fd, nr, &(r), sizeof(union request))

/* mmap() and read() of bytes that are not there, or not for this file. */
static void refuse_bytes(int fd, const char *node, const struct sgdma_camera_buffer *b)
{
	int other = must(open(node, O_RDWR), node);
	const __u64 at = b->mmap_offset;
	const int cpu_page = getpagesize();
	static char page[PAGE];

	refuse_mmap(fd, "mmap of too much", b->length + cpu_page, at, MAP_SHARED);
	refuse_mmap(fd, "mmap across the end", b->length, at + cpu_page, MAP_SHARED);
	refuse_mmap(fd, "private mmap", b->length, at, MAP_PRIVATE);
	refuse_mmap(fd, "mmap behind the last buffer", PAGE, 3 * at, MAP_SHARED);
	refuse_mmap(fd, "mmap far away", PAGE, 1ull << 50, MAP_SHARED);
	refuse_mmap(other, "mmap of another file's buffer", b->length, at, MAP_SHARED);
	if (!sharing)
		refuse_mmap(fd, "mmap of what is not shared", b->length, at, MAP_SHARED);
	refuse_read(fd, "read of what is queued", EBUSY, 0, page);
	refuse_read(fd, "read behind the last buffer", EINVAL, 3 * at, page);
	refuse_read(fd, "read to a kernel address", EFAULT, at, (void *)-PAGE);
	refuse_read(other, "read of another file's buffer", EINVAL, at, page);
	must(lseek(fd, at + b->length - 1, SEEK_SET), "lseek");
	expect(read(fd, page, PAGE) == 1 && !read(fd, page, PAGE), "read across the end");
}

/* A frame of which user space was not told stays for the next request. */
static void refuse_answers(struct stream *s)
{
	struct sgdma_camera_frame frame;

	REFUSE_ANSWER("QUERY", s->fd, SGDMA_CAMERA_QUERY, OF_BUFFER(0));
	REFUSE_ANSWER("DEQUEUE", s->fd, SGDMA_CAMERA_DEQUEUE, OF_FRAME(0, 0));
	REFUSE_ANSWER("DEQUEUE again", s->fd, SGDMA_CAMERA_DEQUEUE, OF_FRAME(0, 0));
	expect(look(s->fd, 0).state & SGDMA_CAMERA_QUEUED, "a frame without an answer is lost");

	/* No bad request has done any harm. */
	frame = capture(s, 0, 0, 0);
	expect(!frame.sequence, "a frame without an answer counts");
	queue(s, 1);
	expect(capture(s, 1, 0, 0).picture == frame.picture + 1,
	       "a frame without an answer was captured again");
}

static void refuse(int fd, const char *node)
{
	static struct stream s;
	struct sgdma_camera_buffer b;
	union request r;

	s.fd = fd;
	refuse_early(fd);
	set_format(&s, 100, 50, 0, 0);
	REFUSE_ANSWER("FORMAT", fd, SGDMA_CAMERA_FORMAT, OF_FORMAT(1000, 500, 0, 0));
	r = OF_REQUEST(SGDMA_CAMERA_MAX_BUFFERS + 1, 0);
	refused("REQUEST of too many", EINVAL, ioctl(fd, SGDMA_CAMERA_REQUEST, &r));
	request(&s, SGDMA_CAMERA_MAX_BUFFERS, false);
	give_back(&s);
	request(&s, 3, false);
	expect(s.buffers[0].is.length < 1000 * 500, "buffers are of the format refused");
	turn(&s, true);
	r = OF_FRAME(0, 0);
	refused("DEQUEUE with nothing queued", EAGAIN, ioctl(fd, SGDMA_CAMERA_DEQUEUE, &r));
	queue(&s, 0);
	refuse_requests(fd, &s);
	b = s.buffers[1].is;
	refuse_bytes(fd, node, &b);
	refuse_answers(&s);
	turn(&s, false);
	give_back(&s);
	refuse_mmap(fd, "mmap of what was given back", b.length, b.mmap_offset, MAP_SHARED);

	set_format(&s, 640, 100, 0, 0);
	request(&s, 3, false);
	turn(&s, true);
	refuse_meanwhile(&s);
	/* The frame that was given up has not cost a buffer its place in the queue. */
	expect(!capture(&s, 0, 0, 25).sequence, "a frame that was given up counts");
	capture(&s, 1, 0, 25);
	turn(&s, false);
	SAY(1, "%u requests refused: ok\n", refusals);
}

#endif
