/* SPDX-License-Identifier: MIT */
/*
 * Takes out of a machine file what is private.
 *
 * The rule is one of what may stay, not of what must go:
 *
 *	keys, words, numbers	stay: they are the vocabulary's
 *	driver, compatible	stay where they are made of the letters that drivers use
 *	name, id of a device	stay where the device hangs from platform and PCI buses alone: there
 *the name comes from the driver's source. Those of all others (USB, virtual devices, hosts' ...)
 *may come from whoever made or named the thing
 *				("Bob's iPhone", the label of a v4l2loopback): they become driver
 *and
 *a number, the same number for nodes of the same name and place node			stays where
 *it is one of the kernel's own names
 *	kernel			its number, and those parts behind it that distributions use
 *	how			lines stay, but those of facts that a person has written (quirk,
 *				declared), that name a path outside of /sys, /proc, /dev and the
 *device tree, or that repeat something that was taken out
 *
 * What a record has besides does not get through. At last every text is looked through: what looks
 * like a MAC address, or has the name of this host or of one of its users as a word, is an error,
 * and nothing is written.
 */
#ifndef CTL_PRIVATE_H
#define CTL_PRIVATE_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* Keys whose values are words of the vocabulary, or fourccs and modifiers; ends with NULL. */
extern const char *const private_word_keys[];

/* Changes `machine`, in the form of a machine file, whose devices are in the order of their ids. */
void private_clean(struct json_object *machine);

/* Looks through what is left (private-check.c). `allowed` ends with NULL: words that are no secret,
 * whoever is called so. Says where something was found, and returns CTL_REFUSED then. */
int private_check(struct json_object *machine, const char *const *allowed);

#endif
