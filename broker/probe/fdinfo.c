/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo tells of a dma-buf. */
#include "broker/probe/fdinfo.h"

#include <errno.h>
#include <string.h>

int fdinfo_exporter(FILE *fdinfo, char *name, size_t size)
{
	static const char key[] = "exp_name:";
	char line[256];

	while (fgets(line, sizeof(line), fdinfo)) {
		const char *value = line + sizeof(key) - 1;

		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		value += strspn(value, " \t");
		snprintf(name, size, "%s", value);
		return *value ? 0 : -ENOENT;
	}
	return -ENOENT;
}
