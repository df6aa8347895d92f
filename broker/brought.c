/* SPDX-License-Identifier: MIT */
/*
 * What a client's open file is.
 *
 * The order matters. A file may lie in a file system that its owner serves himself (FUSE), where
 * fstat, lseek or fstatfs wait for him for as long as he likes. So first comes what the kernel
 * answers by itself for any file: its seals (fcntl), fdinfo, and the name behind the link in
 * /proc. Only what has turned out to be a memfd or a dma-buf by then is asked for its size.
 *
 * What this cannot spare us is closing it: close() of a file waits for the answer of its server,
 * too (fs/fuse/file.c, fuse_flush(), 6.12), whoever sent it and with whatever message.
 *
 * fdinfo has lines with names that programs gave (a dma-buf's name, last); exp_name stands before
 * these, and that it is a dma-buf at all its file system says (DMA_BUF_MAGIC).
 */
#include "broker/brought.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "broker/model/exporter.h"
#include "broker/model/plan.h"
#include "broker/probe/fdinfo.h"

#ifndef DMA_BUF_MAGIC
#define DMA_BUF_MAGIC 0x444d4142
#endif
#ifndef HUGETLBFS_MAGIC
#define HUGETLBFS_MAGIC 0x958458f6
#endif

static int refuse(struct error *error, const char *name, const char *wanted, const char *offered)
{
	return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "buffers", wanted,
			 offered);
}

/* ---- memfds ---- */

/* Of what udmabuf takes (drivers/dma-buf/udmabuf.c, 6.12), and only what its owner may write
 * himself: the dma-buf can be written in any case. */
static int check_memfd(int fd, int seals, const char *name, struct error *error)
{
	int flags = fcntl(fd, F_GETFL);

	if (!(seals & F_SEAL_SHRINK))
		return refuse(error, name,
			      "a memfd that is sealed against shrinking "
			      "(F_SEAL_SHRINK), as udmabuf wants it",
			      "one without that seal");
	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return refuse(error, name, "a memfd that may be written: devices write into it",
			      "one that is sealed against writing");
	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR)
		return refuse(error, name, "a memfd that is open for reading and writing",
			      "one that is not");
	return 0;
}

static int recognise_memfd(void *buffer, int fd, int seals, const char *name, struct error *error)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct statfs system;
	struct stat status;
	int result = check_memfd(fd, seals, name, error);

	if (result)
		return result;
	if (fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
		return -errno;
	if (status.st_size <= 0 || (uint64_t)status.st_size % page)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "buffers",
				  "a memfd of whole pages", "%lld bytes",
				  (long long)status.st_size);
	vocab_set_number(buffer, MEMORY_BYTES, (uint64_t)status.st_size, VOCAB_KERNEL);
	vocab_clear(buffer, MEMORY_INODE); /* the dma-buf will have another one */
	return vocab_set_string(buffer, MEMORY_EXPORTER,
				system.f_type == HUGETLBFS_MAGIC ? EXPORTER_NAME_MEMFD_HUGETLB
								 : EXPORTER_NAME_MEMFD,
				VOCAB_KERNEL);
}

/* ---- dma-bufs ---- */

/* Returns 0 and the name, or -ENOENT: no dma-buf. */
static int read_exporter(int fd, char *text, size_t size)
{
	char path[40];
	FILE *fdinfo;
	int result;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	fdinfo = fopen(path, "re");
	if (!fdinfo)
		return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : -ENOENT;
	result = fdinfo_exporter(fdinfo, text, size);
	fclose(fdinfo);
	return result;
}

static int recognise_dmabuf(void *buffer, int fd, const char *exporter)
{
	struct statfs system;
	struct stat status;

	if (fstatfs(fd, &system) < 0 || system.f_type != DMA_BUF_MAGIC)
		return -ENOENT;
	if (fstat(fd, &status) < 0)
		return -errno;
	vocab_set_number(buffer, MEMORY_BYTES, (uint64_t)status.st_size, VOCAB_KERNEL);
	vocab_set_number(buffer, MEMORY_INODE, status.st_ino, VOCAB_KERNEL);
	return vocab_format_string(buffer, MEMORY_EXPORTER, VOCAB_KERNEL, "%s", exporter);
}

/* ---- any file ---- */

/* "pipe", "socket", "anon_inode:[eventpoll]", of others just "another file": where it lies is its
 * owner's business. */
static int refuse_file(int fd, const char *name, struct error *error)
{
	static const char wanted[] =
		"a dma-buf (V4L2 EXPBUF, DRM PRIME, a dma-buf heap), or memory of its own as a "
		"memfd";
	char path[40], text[64] = "";
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	if (strncmp(text, "pipe:", 5) == 0 || strncmp(text, "socket:", 7) == 0)
		text[strcspn(text, ":")] = '\0';
	else if (strncmp(text, "anon_inode:", 11) != 0)
		snprintf(text, sizeof(text), "another file");
	return refuse(error, name, wanted, text);
}

static int recognise_file(void *buffer, int fd, const char *name, struct error *error)
{
	int result, seals = fcntl(fd, F_GET_SEALS);
	char exporter[65];

	if (seals >= 0)
		return recognise_memfd(buffer, fd, seals, name, error);
	result = read_exporter(fd, exporter, sizeof(exporter));
	if (!result)
		result = recognise_dmabuf(buffer, fd, exporter);
	return result == -ENOENT ? refuse_file(fd, name, error) : result;
}

/* Two buffers of one memory would be two whose turns nobody keeps apart. Both files are memfds or
 * dma-bufs by now. */
static int check_is_another(const struct vocab_dicts *list, size_t i, const char *name,
			    struct error *error)
{
	struct stat status, former;

	if (fstat(((struct memory_object *)list->items[i])->fd, &status) < 0)
		return -errno;
	for (size_t j = 0; j < i; j++) {
		const struct memory_object *other = (struct memory_object *)list->items[j];

		if (!vocab_has(other, MEMORY_FD))
			continue;
		if (fstat(other->fd, &former) < 0)
			return -errno;
		if (former.st_dev == status.st_dev && former.st_ino == status.st_ino)
			return refuse(error, name, "memory of its own for each buffer",
				      "one file twice");
	}
	return 0;
}

static int recognise(const struct participant *participant, bool needed, struct error *error)
{
	const struct vocab_dicts *list = &participant->buffers;
	const char *name = vocab_string(participant, PARTICIPANT_NAME);
	int result = 0;

	for (size_t i = 0; i < list->len && !result; i++) {
		struct memory_object *buffer = (struct memory_object *)list->items[i];

		if (vocab_has(buffer, MEMORY_FD)) {
			result = recognise_file(buffer, buffer->fd, name, error);
			if (!result)
				result = check_is_another(list, i, name, error);
		} else if (needed) {
			result = refuse(error, name, "each buffer as an open dma-buf or memfd (fd)",
					"one without");
		}
	}
	return result;
}

int brought_recognise(struct request *request, bool needed, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < request->participants.len && !result; i++)
		result = recognise((const struct participant *)request->participants.items[i],
				   needed, error);
	return result;
}
