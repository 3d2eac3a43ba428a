// SPDX-License-Identifier: GPL-2.0
/*
 * camera-test: makes every request of sgdma_camera.h to /dev/sgdma_camera-*,
 * and checks the results and the bytes of the frames. Exits with 0 if all
 * results are right, with 1 if one is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sgdma_camera.h"

#define PROGRAM		"camera-test"
#include "../../common/user/say.h"

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
};

#define OF_FORMAT(w, h, b, o)	((union request){ .format = { w, h, b, o, 0, 0, 0, 0 } })
#define OF_REQUEST(n, c)	((union request){ .request = { n, c } })
#define OF_BUFFER(i)		((union request){ .buffer = { .index = (i) } })
#define OF_INDEX(i, p)		((union request){ .index = { i, p } })
#define OF_STREAM(o, p)		((union request){ .stream = { o, p } })
#define OF_FRAME(f, s)		((union request){ .frame = { .flags = (f), .line_step = (s) } })
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
		expect(b->last == b->first[0] + pages - 1, "the last entry does not follow from the first");
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

/* Commands */

static void describe(const struct stream *s, const char *how)
{
	const struct sgdma_camera_format *f = &s->format;
	const struct sgdma_camera_buffer *b = &s->buffers[0].is;
	char entries[80];

	snprintf(entries, sizeof(entries), "0x%x 0x%x 0x%x 0x%x ... 0x%x, dummy 0x%x",
		 b->first[0], b->first[1], b->first[2], b->first[3], b->last, b->dummy);
	SAY(1, "%ux%u, %u bytes at %u, %s: %u -> %u segments, %u lists of %u entries: %s\n",
	    f->width, f->height, f->size, f->data_offset, how, b->orig_nents, b->nents, f->lists,
	    f->entries, entries);
}

/* Captures a frame that is a line too long. The line must go to the dummy page. */
static void capture_long(const struct stream *s, __u32 index, __u32 step)
{
	static unsigned char before[PAGE], after[PAGE], should[PAGE];
	const struct sgdma_camera_format *f = &s->format;
	struct sgdma_camera_frame frame;

	dummy_page(s, before);
	memcpy(should, before, PAGE);
	frame = capture(s, index, SGDMA_CAMERA_LONG, step);
	/* All entries behind the frame's pages lead to the dummy page. */
	for (__u32 i = 0; i < f->bytes_per_line; i++)
		should[i % PAGE] = seen(f, frame.picture, f->height, i);
	dummy_page(s, after);
	for (__u32 i = 0; i < PAGE; i++) {
		if (after[i] == should[i])
			continue;
		SAY(2, "%sbyte %u of the dummy page: 0x%x instead of 0x%x\n", doing, i, after[i],
		    should[i]);
		exit(1);
	}
}

struct shape {
	__u32 width, height, bytes_per_line, offset, step;
	unsigned int count;
	bool slow;	/* left out at the pace "quick" */
};

static void exercise_one(struct stream *s, const struct shape *shape, bool contiguous)
{
	const char *how = contiguous ? "contiguous" : "scattered";
	unsigned int count = shape->count;
	struct sgdma_camera_frame frame, last;

	snprintf(doing, sizeof(doing), "%ux%u at %u, %s: ", shape->width, shape->height,
		 shape->offset, how);
	set_format(s, shape->width, shape->height, shape->bytes_per_line, shape->offset);
	if (!request(s, count, contiguous))
		return;
	/* The last buffer is queued first, the others in order. */
	queue(s, count - 1);
	turn(s, true);
	for (unsigned int i = 0; i + 1 < count; i++)
		queue(s, i);
	for (unsigned int i = 0; i < count; i++) {
		frame = capture(s, (i + count - 1) % count, 0, shape->step);
		expect(frame.sequence == i, "wrong sequence number");
	}
	/* A buffer that has another frame is filled again. The other buffers do not change. */
	last = frame;
	queue(s, 0);
	capture_long(s, 0, shape->step);
	if (count > 2)
		compare(s, &last, shape->step ? shape->step : 1);

	/* After off and on nothing is queued, and the sequence begins at zero. */
	queue(s, 0);
	turn(s, false);
	expect(!(look(s->fd, 0).state & SGDMA_CAMERA_QUEUED), "queued in a stream that is off");
	if (count > 2) {
		turn(s, true);
		queue(s, 1);
		frame = capture(s, 1, 0, shape->step);
		expect(!frame.sequence, "the sequence goes on");
		turn(s, false);
	}
	describe(s, how);
	give_back(s);
	doing[0] = 0;
}

/* Two files at once are two streams. */
static void exercise_two(struct stream *one, const char *node)
{
	static struct stream two;
	struct sgdma_camera_frame kept;

	snprintf(doing, sizeof(doing), "two streams: ");
	two.fd = must(open(node, O_RDWR), node);
	set_format(one, 60, 20, 0, 0);
	set_format(&two, 40, 30, 0, 100);
	request(one, 2, false);
	request(&two, 1, false);
	turn(one, true);
	turn(&two, true);
	/* Goes to the last slot of the ring. */
	for (unsigned int i = 0; i < SGDMA_CAMERA_MAX_BUFFERS - 1; i++) {
		queue(one, 0);
		turn(one, false);
		turn(one, true);
	}
	queue(one, 0);
	queue(one, 1);
	queue(&two, 0);
	kept = capture(one, 0, 0, 0);
	capture(&two, 0, 0, 0);
	capture(one, 1, 0, 0);
	compare(one, &kept, 1);
	/* The file is closed with a buffer queued and mapped. */
	queue(&two, 0);
	must(close(two.fd), "close");
	if (two.buffers[0].map) {
		expect(two.buffers[0].map[0] == BEFORE, "mapped pages have changed");
		two.buffers[0].map[0] = 0;
	}
	turn(one, false);
	give_back(one);
	doing[0] = 0;
}

static void exercise(int fd, const char *node, bool quick)
{
	static struct stream s;
	static const struct shape shapes[] = {
		{ 160, 40, 0, 0, 0, 3, false },
		{ 1, 1, 0, 0, 0, 1, false },
		/* across the end of the first page */
		{ 7, 1, 0, PAGE - 33, 0, 2, false },
		{ 77, 33, 192, PAGE - 1, 0, 3, false },
		/* the dummy page is the last entry of a list, then the first of another one */
		{ 2048, 1023, PAGE, 0, 256, 1, false },
		{ 2048, 1024, PAGE, 0, 256, 1, false },
		/* a line that goes on into the list of nothing but the dummy page */
		{ 100, 341, 3 * PAGE, 0, 170, 1, false },
		/* as large as it may be, nearly */
		{ 4224, 3136, 10688, 1000, 1568, 1, false },
		{ 321, 241, 0, 100, 0, 3, true },
		{ 4224, 3136, 0, 0, 100, 1, true },
	};

	s.fd = fd;
	for (unsigned int i = 0; i < COUNT(shapes); i++) {
		if (shapes[i].slow && quick)
			continue;
		exercise_one(&s, &shapes[i], false);
		if (i < 4 || !quick)
			exercise_one(&s, &shapes[i], true);
	}
	exercise_two(&s, node);
	SAY(1, "%u frames, %s: ok\n", frames, sharing ? "coherent" : "streaming");
}

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
	int status;
	pid_t pid;

	queue(s, 0);
	queue(s, 1);
	pid = must(fork(), "fork");
	if (!pid) {
		union request r = OF_FRAME(0, 0);

		ioctl(s->fd, SGDMA_CAMERA_DEQUEUE, &r);
		exit(0);
	}
	sleep(1);
	refuse_all(s->fd, bad, COUNT(bad));
	refuse_read(s->fd, "read meanwhile", EBUSY, s->buffers[0].is.mmap_offset, &byte);
	queue(s, 2);
	must(kill(pid, SIGKILL), "kill");
	must(waitpid(pid, &status, 0), "wait");
	expect(WIFSIGNALED(status), "a frame was captured too soon");
}

#define REFUSE_ANSWER(what, fd, nr, r) \
	refuse_answer(what, fd, nr, &(r), sizeof(union request))

/* mmap() and read() of bytes that are not there, or not for this file. */
static void refuse_bytes(int fd, const char *node, const struct sgdma_camera_buffer *b)
{
	int other = must(open(node, O_RDWR), node);
	const __u64 at = b->mmap_offset;
	static char page[PAGE];

	refuse_mmap(fd, "mmap of too much", b->length + PAGE, at, MAP_SHARED);
	refuse_mmap(fd, "mmap across the end", b->length, at + PAGE, MAP_SHARED);
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

/* Captures a frame until the device is unbound or unplugged. */
static void hold(int fd)
{
	static struct stream s;
	union request r = OF_FRAME(0, 0);

	s.fd = fd;
	set_format(&s, 640, 480, 0, 10);
	request(&s, 3, false);
	turn(&s, true);
	for (unsigned int i = 0; i < 3; i++)
		queue(&s, i);
	SAY(1, "holding\n");
	refused("DEQUEUE of what is taken away", ENODEV, ioctl(fd, SGDMA_CAMERA_DEQUEUE, &r));
	r = OF_BUFFER(0);
	refused("QUERY of what is gone", ENODEV, ioctl(fd, SGDMA_CAMERA_QUERY, &r));
	refused("read of what is gone", ENODEV, read(fd, &r, 1));
	/* User space keeps the pages that it has mapped. */
	for (unsigned int i = 0; i < 3 && s.buffers[i].map; i++) {
		unsigned char *map = s.buffers[i].map;

		expect(map[0] == BEFORE && map[s.buffers[i].is.length - 1] == BEFORE,
		       "mapped pages have changed");
		memset(map, 0, s.buffers[i].is.length);
	}
	SAY(1, "held %s: ok\n", sharing ? "mapped buffers" : "buffers");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	bool quick = argc == 4 && !strcmp(argv[3], "quick");
	int fd = argc > 2 ? must(open(argv[2], O_RDWR), argv[2]) : -1;

	if (!strcmp(command, "exercise") && (argc == 3 || quick)) {
		exercise(fd, argv[2], quick);
	} else if (!strcmp(command, "refuse") && argc == 3) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "hold") && argc == 3) {
		hold(fd);
	} else {
		SAY(2, "exercise NODE [quick] | refuse|hold NODE\n");
		return 2;
	}
	return 0;
}
