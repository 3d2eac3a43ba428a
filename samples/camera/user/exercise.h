/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of all shapes. */
#ifndef SGDMA_CAMERA_EXERCISE_H
#define SGDMA_CAMERA_EXERCISE_H

#include "stream.h"

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

#endif
