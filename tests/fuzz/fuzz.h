/* SPDX-License-Identifier: MIT */
/*
 * Inputs that nobody has thought of. A target is linked either with libFuzzer (clang
 * -fsanitize=fuzzer) or with standalone.c, which makes its inputs out of the target's seeds.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#ifdef NDEBUG
#error "fuzz targets need assertions"
#endif

#include <stddef.h>
#include <stdint.h>

/* Judges one input; aborts if something is wrong. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes a good input, at most `size` bytes. Returns its length; 0: there is none of this number.
 */
size_t fuzz_seed(unsigned int number, uint8_t *data, size_t size);

#endif
