/* SPDX-License-Identifier: MIT */
/* The table of named errors. */
#include "broker/model/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/plan.h"

const struct error_row error_rows[ERROR_CODES] = {
	[ERROR_NONE] = {"", 0, ""},
	[ERROR_INVALID_REQUEST] = {"InvalidRequest", -EINVAL,
				   "A key is unknown, missing, of the wrong type, outside its "
				   "limits, or contradicts another"},
	[ERROR_UNKNOWN_DEVICE] = {"UnknownDevice", -ENODEV, "There is no such device"},
	[ERROR_CONFLICT] = {"Conflict", -EXDEV,
			    "Nothing suits all participants; the refusals are minimal sets"},
	[ERROR_OUT_OF_MEMORY] = {"OutOfMemory", -ENOMEM,
				 "The heaps that suit have not enough free memory"},
	[ERROR_QUOTA_EXCEEDED] = {"QuotaExceeded", -EDQUOT, "The client or its user has enough"},
	[ERROR_NOT_PERMITTED] = {"NotPermitted", -EPERM, "The caller or the broker may not"},
	[ERROR_GONE] = {"Gone", -ESTALE, "A device or collection went away, or never was"},
	[ERROR_BUSY] = {"Busy", -EBUSY, "Too much is under way; try again"},
	[ERROR_TOO_COMPLEX] = {"TooComplex", -E2BIG, "The search would take too long"},
	[ERROR_NOT_SUPPORTED] = {"NotSupported", -EOPNOTSUPP,
				 "The key or word is known and not served by this version"},
};

enum error_code error_from_name(const char *name)
{
	size_t prefix_len = strlen(ERROR_PREFIX);

	if (strncmp(name, ERROR_PREFIX, prefix_len) == 0)
		name += prefix_len;
	for (int i = 1; i < ERROR_CODES; i++)
		if (strcmp(error_rows[i].name, name) == 0)
			return (enum error_code)i;
	return ERROR_NONE;
}

static void set_text(struct refusal *refusal, unsigned int row, const char *text)
{
	if (text)
		vocab_format_string(refusal, row, VOCAB_SOLVED, "%s", text);
}

int error_set(struct error *error, enum error_code code, enum constraint constraint,
	      const char *participant, const char *key, const char *wanted, const char *offered)
{
	struct refusal *refusal;

	if (!error)
		return error_rows[code].number;
	error->code = code;
	if (!error->details && vocab_create(&vocab_error, &error->details))
		return error_rows[code].number;
	if (vocab_add_dict(error->details, ERROR_REFUSALS, VOCAB_SOLVED, &refusal))
		return error_rows[code].number;
	vocab_set_number(refusal, REFUSAL_CONSTRAINT, constraint, VOCAB_SOLVED);
	set_text(refusal, REFUSAL_PARTICIPANT, participant);
	set_text(refusal, REFUSAL_KEY, key);
	set_text(refusal, REFUSAL_WANTED, wanted);
	set_text(refusal, REFUSAL_OFFERED, offered);
	return error_rows[code].number;
}

int error_setf(struct error *error, enum error_code code, enum constraint constraint,
	       const char *participant, const char *key, const char *wanted, const char *format,
	       ...)
{
	char offered[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(offered, sizeof(offered), format, args);
	va_end(args);
	return error_set(error, code, constraint, participant, key, wanted, offered);
}

void error_finish(struct error *error)
{
	vocab_destroy(error->details);
	*error = (struct error){0};
}
