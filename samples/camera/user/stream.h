/* SPDX-License-Identifier: GPL-2.0 */
/* Streams of /dev/sgdma_camera-*, their buffers, and the requests. */
#ifndef SGDMA_CAMERA_STREAM_H
#define SGDMA_CAMERA_STREAM_H

#include "../../common/user/say.h"
#include "../sgdma_camera.h"

#define PAGE		SGDMA_CAMERA_PAGE
#define LIST		1024

/* A size for which there is room also where all memory bounces. */
#define SURE_SIZE	(4u << 20)

/* The most bytes to read at once. */
#define AT_ONCE		(256u << 10)

/* The bytes of a mapped buffer before the device has written. */
#define BEFORE		0xa5

static unsigned int frames;	/* captured */
static bool sharing;		/* the CPU and the device use buffers at the same time */

union request {
	struct sgdma_camera_format format;
	struct sgdma_camera_request request;
	struct sgdma_camera_buffer buffer;
	struct sgdma_camera_index index;
	struct sgdma_camera_stream stream;
	struct sgdma_camera_frame frame;
	struct sgdma_camera_dummy dummy;
	struct sgdma_camera_import import;
};

#define OF_FORMAT(w, h, b, o)	((union request){ .format = { w, h, b, o, 0, 0, 0, 0 } })
#define OF_REQUEST(n, c)	((union request){ .request = { n, c } })
#define OF_BUFFER(i)		((union request){ .buffer = { .index = (i) } })
#define OF_INDEX(i, p)		((union request){ .index = { i, p } })
#define OF_STREAM(o, p)		((union request){ .stream = { o, p } })
#define OF_FRAME(f, s)		((union request){ .frame = { .flags = (f), .line_step = (s) } })
#define OF_IMPORT(i, f)		((union request){ .import = { i, f } })
#define OF_DUMMY(u)		((union request){ .dummy = { (unsigned long)(u) } })

#define ASK(fd, nr, r)		must(ioctl(fd, SGDMA_CAMERA_ ## nr, r), #nr)

/* Streams */

struct buffer {
	struct sgdma_camera_buffer is;
	unsigned char *map;	/* NULL unless the buffer is shared */
};

struct stream {
	int fd;
	unsigned int count;
	struct sgdma_camera_format format;
	struct buffer buffers[SGDMA_CAMERA_MAX_BUFFERS];
};

static struct sgdma_camera_buffer look(int fd, __u32 index)
{
	union request r = OF_BUFFER(index);

	ASK(fd, QUERY, &r);
	return r.buffer;
}

static void expect_format(const struct sgdma_camera_format *f)
{
	__u32 pages = (f->data_offset + f->size + PAGE - 1) / PAGE;

	expect(f->size == f->bytes_per_line * f->height, "wrong size");
	expect(f->bytes_per_line >= 2 * f->width && f->bytes_per_line % 64 == 0,
	       "wrong line length");
	expect(f->entries == pages + 1, "wrong number of entries");
	expect(f->lists == (f->entries + LIST - 1) / LIST, "wrong number of lists");
}

static void set_format(struct stream *s, __u32 width, __u32 height, __u32 bytes_per_line,
		       __u32 offset)
{
	union request r = OF_FORMAT(width, height, bytes_per_line, offset);

	ASK(s->fd, FORMAT, &r);
	s->format = r.format;
	expect_format(&s->format);
	expect(!bytes_per_line || r.format.bytes_per_line == bytes_per_line,
	       "another line length than asked for");
}

/* Checks the entries of a buffer. Entries of one segment follow one another. */
static void expect_lists(const struct stream *s, const struct sgdma_camera_buffer *b)
{
	__u32 pages = s->format.entries - 1;

	expect(b->length >= s->format.data_offset + s->format.size && b->length % PAGE == 0,
	       "wrong length");
	expect(b->nents && b->nents <= b->orig_nents, "wrong number of segments");
	expect(b->last && b->dummy, "no last entry");
	for (__u32 i = 0; i < 4; i++) {
		bool next = b->first[i] == b->first[0] + i;

		expect(!b->first[i] == (i >= pages), "wrong number of first entries");
		expect(b->first[i] != b->dummy, "an entry is the dummy page");
		expect(b->nents > 1 || i >= pages || next, "entries of one segment are scattered");
	}
	expect(b->last != b->dummy, "the last entry is the dummy page");
	if (b->nents == 1)
		expect(b->last == b->first[0] + pages - 1, "the last entry is not the next one");
}

/* Returns true if there is no room for a large request, which is no failure. */
static bool no_room(long result, __u32 size, const char *what)
{
	if (result < 0 && size > SURE_SIZE && (errno == ENOMEM || errno == EIO)) {
		SAY(1, "%sno room (%s)\n", doing, error_text(errno));
		return true;
	}
	must(result, what);
	return false;
}

static void *map_buffer(int fd, const struct sgdma_camera_buffer *b)
{
	void *map = mmap(NULL, b->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, b->mmap_offset);

	must(map == MAP_FAILED ? -1 : 0, "mmap");
	return map;
}

static bool request(struct stream *s, unsigned int count, bool contiguous)
{
	union request r = OF_REQUEST(count, contiguous);
	int result = ioctl(s->fd, SGDMA_CAMERA_REQUEST, &r);

	if (no_room(result, count * s->format.size, "request"))
		return false;
	s->count = count;
	for (unsigned int i = 0; i < count; i++) {
		struct buffer *b = &s->buffers[i];

		b->is = look(s->fd, i);
		expect_lists(s, &b->is);
		sharing = b->is.state & SGDMA_CAMERA_SHARED;
		b->map = sharing ? map_buffer(s->fd, &b->is) : NULL;
		if (b->map)
			memset(b->map, BEFORE, b->is.length);
	}
	return true;
}

static void give_back(struct stream *s)
{
	union request r = OF_REQUEST(0, 0);

	for (unsigned int i = 0; i < s->count; i++) {
		struct buffer *b = &s->buffers[i];

		if (b->map)
			must(munmap(b->map, b->is.length), "munmap");
	}
	s->count = 0;
	ASK(s->fd, REQUEST, &r);
}

static void queue(const struct stream *s, __u32 index)
{
	union request r = OF_INDEX(index, 0);

	ASK(s->fd, QUEUE, &r);
	expect(look(s->fd, index).state & SGDMA_CAMERA_QUEUED, "not queued");
}

static void turn(const struct stream *s, bool on)
{
	union request r = OF_STREAM(on, 0);

	ASK(s->fd, STREAM, &r);
}

/* Lets a process wait for a frame, which the device writes for longer than the test takes. */
static pid_t begin_capture(const struct stream *s)
{
	union request r = OF_FRAME(0, 0);
	pid_t pid = must(fork(), "fork");

	if (!pid) {
		ioctl(s->fd, SGDMA_CAMERA_DEQUEUE, &r);
		exit(0);
	}
	sleep(1);
	return pid;
}

/* Gives up the frame, which the process still waits for. */
static void end_capture(pid_t pid)
{
	int status;

	must(kill(pid, SIGKILL), "kill");
	must(waitpid(pid, &status, 0), "wait");
	expect(WIFSIGNALED(status), "a frame was captured too soon");
}

/* The bytes of buffers */

static const unsigned char *read_bytes(const struct stream *s, __u32 index, __u32 at, __u32 len)
{
	static unsigned char bytes[AT_ONCE];

	expect(len <= AT_ONCE, "read: too much");
	must(lseek(s->fd, s->buffers[index].is.mmap_offset + at, SEEK_SET), "lseek");
	expect(must(read(s->fd, bytes, len), "read") == len, "read: too little");
	return bytes;
}

/* Returns bytes of a buffer, from the mapping or by read(). Valid until the next call. */
static const unsigned char *bytes_of(const struct stream *s, __u32 index, __u32 at, __u32 len)
{
	const struct buffer *b = &s->buffers[index];

	return b->map ? b->map + at : read_bytes(s, index, at, len);
}

/* Returns byte @at of a row of a picture. */
static unsigned char seen(const struct sgdma_camera_format *f, __u32 picture, __u32 row,
			  __u32 at)
{
	if (at >= 2 * f->width)
		return 0;
	return sgdma_camera_pixel(picture, row, at / 2) >> (at % 2 * 8);
}

static void wrong(__u32 index, __u32 row, __u32 at, unsigned char is, unsigned char should)
{
	SAY(2, "%sbuffer %u, line %u, byte %u: 0x%x instead of 0x%x\n", doing, index, row, at, is,
	    should);
	exit(1);
}

static void compare_row(const struct stream *s, const struct sgdma_camera_frame *frame, __u32 row,
			const unsigned char *bytes)
{
	const struct sgdma_camera_format *f = &s->format;

	for (__u32 i = 0; i < f->bytes_per_line; i++) {
		unsigned char should = seen(f, frame->picture, row, i);

		if (bytes[i] != should)
			wrong(frame->index, row, i, bytes[i], should);
	}
}

/* Checks that nobody has written before the frame or behind the frame. */
static void compare_rest(const struct stream *s, __u32 index)
{
	const struct buffer *b = &s->buffers[index];
	unsigned char should = b->map ? BEFORE : 0;
	__u32 end = s->format.data_offset + s->format.size;
	const unsigned char *bytes = bytes_of(s, index, 0, s->format.data_offset);

	for (__u32 i = 0; i < s->format.data_offset; i++) {
		if (bytes[i] != should)
			wrong(index, 0, i, bytes[i], should);
	}
	if (end == b->is.length)
		return;
	bytes = bytes_of(s, index, end, b->is.length - end);
	for (__u32 i = 0; i < b->is.length - end; i++) {
		if (bytes[i] != should)
			wrong(index, s->format.height, i, bytes[i], should);
	}
}

static void compare(const struct stream *s, const struct sgdma_camera_frame *frame, __u32 step)
{
	const struct sgdma_camera_format *f = &s->format;
	__u32 len = f->bytes_per_line, last = f->height - 1;
	__u32 all = f->size < AT_ONCE ? f->size : AT_ONCE;
	const unsigned char *bytes;

	for (__u32 row = 0; row < last + step; row += step) {
		__u32 at = row < last ? row : last;

		bytes = bytes_of(s, frame->index, f->data_offset + at * len, len);
		compare_row(s, frame, at, bytes);
	}
	/* The first part of the frame, by one read(), also where the buffer is mapped. */
	bytes = read_bytes(s, frame->index, f->data_offset, all);
	for (__u32 row = 0; (row + 1) * len <= all; row += step)
		compare_row(s, frame, row, bytes + row * len);
	compare_rest(s, frame->index);
}

/* Captures a frame to buffer @index, which is the next one in the queue. */
static struct sgdma_camera_frame capture(const struct stream *s, __u32 index, __u32 flags,
					 __u32 step)
{
	union request r = OF_FRAME(flags, step);
	struct sgdma_camera_frame *f = &r.frame;

	ASK(s->fd, DEQUEUE, &r);
	expect(f->index == index, "the frame is in another buffer");
	expect(f->bytes_used == s->format.size, "the frame is not as long as the format");
	expect(!f->flags == !(flags & SGDMA_CAMERA_LONG), "wrong flags");
	expect(!(look(s->fd, index).state & SGDMA_CAMERA_QUEUED), "still queued");
	compare(s, f, step ? step : 1);
	frames++;
	return *f;
}

static void dummy_page(const struct stream *s, unsigned char *bytes)
{
	union request r = OF_DUMMY(bytes);

	ASK(s->fd, DUMMY, &r);
}

#endif
