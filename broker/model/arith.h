/* SPDX-License-Identifier: MIT */
/* Checked arithmetic in 64 bit: nothing wraps, each returns false instead. */
#ifndef ARITH_H
#define ARITH_H

#include <stdbool.h>
#include <stdint.h>

static inline bool arith_add(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
	return !__builtin_add_overflow(a, b, ret_sum);
}

static inline bool arith_mul(uint64_t a, uint64_t b, uint64_t *ret_product)
{
	return !__builtin_mul_overflow(a, b, ret_product);
}

/* Rounds up to a multiple of `align`, any number above 0. */
static inline bool arith_align(uint64_t value, uint64_t align, uint64_t *ret_aligned)
{
	uint64_t rest = value % align;

	return arith_add(value, rest ? align - rest : 0, ret_aligned);
}

static inline uint64_t arith_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Least common multiple of two numbers above 0. */
static inline bool arith_lcm(uint64_t a, uint64_t b, uint64_t *ret_lcm)
{
	return arith_mul(a / arith_gcd(a, b), b, ret_lcm);
}

static inline uint64_t arith_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t arith_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
