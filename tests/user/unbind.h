/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unbinds and binds the device of a node, /dev/sgdma_NAME-ADDRESS, for programs that include say.h.
 */
#ifndef UNBIND_H
#define UNBIND_H

#include <signal.h>
#include <sys/wait.h>

/* Milliseconds. Nothing here takes that long unless it hangs. */
#define TOO_LONG	10000

static const char *node, *address;
static char driver[80];		/* the driver's directory in sysfs */

/* Finds address and driver of a node. Returns false if its name is of another kind. */
static bool use_node(const char *path)
{
	const char *name = strchr(path, '_'), *end = name ? strchr(name, '-') : NULL;

	if (!end)
		return false;
	node = path;
	address = end + 1;
	snprintf(driver, sizeof(driver), "/sys/bus/pci/drivers/sgdma%.*s", (int)(end - name), name);
	return true;
}

/* Writes the device's address to a file of the driver: bind or unbind. */
static void write_address(const char *file)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", driver, file);
	fd = must(open(path, O_WRONLY), path);
	must(write(fd, address, strlen(address)), path);
	close(fd);
}

static inline pid_t start_unbind(void)
{
	pid_t pid = must(fork(), "fork");

	if (!pid) {
		write_address("unbind");
		exit(0);
	}
	return pid;
}

/* Returns true if a process ends within @ms milliseconds, with its @status. */
static inline bool ended_within(pid_t pid, int *status, int ms)
{
	for (; ms > 0; ms--) {
		if (must(waitpid(pid, status, WNOHANG), "wait") == pid)
			return true;
		usleep(1000);
	}
	return false;
}

static inline void kill_it(pid_t pid, const char *what)
{
	int status;

	must(kill(pid, SIGKILL), "kill");
	expect(ended_within(pid, &status, TOO_LONG), what);
	expect(WIFSIGNALED(status), "the process in the operation had ended");
}

#endif
