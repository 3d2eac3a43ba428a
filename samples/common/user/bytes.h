/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that are known, in memory and on a disk. */
#ifndef BYTES_H
#define BYTES_H

#include "say.h"

#define KIB(n)		((size_t)(n) << 10)
#define MIB(n)		((size_t)(n) << 20)

/* The largest page of a kernel. */
#define PAGE		KIB(64)

static inline __u8 *map(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at == MAP_FAILED ? -1 : 0, "mmap");
	return at;
}

/* Returns 8 bytes of the disk, from a multiple of 8 on. harness/disks.py makes the same ones. */
static inline __u64 word_at(unsigned int seed, __u64 pos)
{
	__u64 word = (pos / 8 + ((__u64)seed << 32)) * 0x9e3779b97f4a7c15ull;

	return word ^ word >> 29;
}

static inline __u8 byte_at(unsigned int seed, __u64 pos)
{
	return word_at(seed, pos) >> (pos % 8 * 8);
}

static inline void fill(__u8 *to, unsigned int seed, __u64 pos, size_t len)
{
	for (; len && pos % 8; len--)
		*to++ = byte_at(seed, pos++);
	for (; len >= 8; len -= 8, to += 8, pos += 8) {
		__u64 word = word_at(seed, pos);

		__builtin_memcpy(to, &word, 8);
	}
	while (len--)
		*to++ = byte_at(seed, pos++);
}

static inline void compare(const __u8 *bytes, unsigned int seed, __u64 pos, size_t len,
			   const char *where)
{
	while (len) {
		__u64 word = word_at(seed, pos);

		if (!(pos % 8) && len >= 8 && !__builtin_memcmp(bytes, &word, 8)) {
			bytes += 8, pos += 8, len -= 8;
			continue;
		}
		if (*bytes != byte_at(seed, pos)) {
			SAY(2, "%s%s: byte %llu of the disk is %#x, not %#x\n", doing, where,
			    (unsigned long long)pos, *bytes, byte_at(seed, pos));
			exit(1);
		}
		bytes++, pos++, len--;
	}
}

static inline bool is_clean(const __u8 *bytes, size_t len)
{
	while (len && *bytes == 0x5a)
		bytes++, len--;
	return !len;
}

static inline long try_read(int fd, __u64 pos, void *addr, size_t len)
{
	return syscall(__NR_pread64, fd, addr, len, pos);
}

static inline long try_write(int fd, __u64 pos, const void *addr, size_t len)
{
	return syscall(__NR_pwrite64, fd, addr, len, pos);
}

static inline void read_bytes(int fd, __u64 pos, void *addr, size_t len)
{
	expect(must(try_read(fd, pos, addr, len), "read") == (long)len, "read: too few bytes");
}

static inline void write_bytes(int fd, __u64 pos, const void *addr, size_t len)
{
	expect(must(try_write(fd, pos, addr, len), "write") == (long)len, "write: too few bytes");
}

#endif
