/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs short at a chosen moment. The program is linked with --wrap for each function
 * below (tests/meson.build), so that whatever our libraries allocate passes here.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Has the `nth` allocation from now on fail, and only that one; 0: none. */
void faults_begin(unsigned int nth);

/* Nothing fails between the two, whosever turn it is: what a test makes up for itself. */
void faults_pause(void);
void faults_resume(void);

/* Ends it. Whether an allocation has failed. */
bool faults_end(void);

/* Blocks that our libraries have allocated and not freed. */
long faults_live(void);

/* Open file descriptors of this process. */
size_t faults_fds(void);

#endif
