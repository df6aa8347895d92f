/* SPDX-License-Identifier: MIT */
#include "tests/unit/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int countdown; /* 0: nothing fails */
static bool failed;
static bool paused;
static long live;

void faults_begin(unsigned int nth)
{
	countdown = nth;
	failed = false;
}

void faults_pause(void)
{
	paused = true;
}

void faults_resume(void)
{
	paused = false;
}

bool faults_end(void)
{
	countdown = 0;
	return failed;
}

long faults_live(void)
{
	return live;
}

size_t faults_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 1024; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

bool faults_strike(void);

/* Whether it is this one's turn. */
bool faults_strike(void)
{
	if (paused || countdown == 0 || --countdown > 0)
		return false;
	failed = true;
	return true;
}

static void *count(void *block)
{
	live += block != NULL;
	return block;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return faults_strike() ? NULL : count(__real_malloc(size));
}

void *__real_calloc(size_t len, size_t size);
void *__wrap_calloc(size_t len, size_t size);
void *__wrap_calloc(size_t len, size_t size)
{
	return faults_strike() ? NULL : count(__real_calloc(len, size));
}

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size)
{
	if (faults_strike())
		return NULL;
	return block ? __real_realloc(block, size) : count(__real_realloc(block, size));
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return faults_strike() ? NULL : count(__real_strdup(text));
}

/* Its text is freed like a block of our own. */
FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
	return faults_strike() ? NULL : count(__real_open_memstream(text, size));
}

void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block)
{
	live -= block != NULL;
	__real_free(block);
}
