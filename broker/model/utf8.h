/* SPDX-License-Identifier: MIT */
/*
 * Texts that travel must be UTF-8: libdbus ends the process that hands it anything else. Text that
 * was cut to a number of bytes may end within a character.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes that follow the first one of a character; 4: it begins none. */
static inline size_t utf8_follow(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first < 0xc2)
		return 4;
	if (first < 0xe0)
		return 1;
	if (first < 0xf0)
		return 2;
	return first < 0xf5 ? 3 : 4;
}

/* Too long a form, half of a surrogate pair, or above 0x10ffff: the second byte shows it. */
static inline bool utf8_second_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second < 0xa0;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second < 0x90;
	default:
		return true;
	}
}

/* The bytes of the character that begins at `text`; 0: none does. */
static inline size_t utf8_character(const char *text)
{
	unsigned char first = (unsigned char)text[0];
	size_t follow = utf8_follow(first);

	if (follow > 3)
		return 0;
	for (size_t i = 1; i <= follow; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	return follow && !utf8_second_fits(first, (unsigned char)text[1]) ? 0 : follow + 1;
}

static inline bool utf8_valid(const char *text)
{
	while (*text) {
		size_t len = utf8_character(text);

		if (!len)
			return false;
		text += len;
	}
	return true;
}

/* Puts a question mark in the place of each byte that belongs to no character. */
static inline void utf8_clean(char *text)
{
	while (*text) {
		size_t len = utf8_character(text);

		if (!len)
			*text = '?';
		text += len ? len : 1;
	}
}

#endif
