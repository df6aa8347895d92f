/* SPDX-License-Identifier: MIT */
/* What the trials of both kinds share. */
#include "broker/probe/trial-child.h"

#include <errno.h>
#include <sys/ioctl.h>

int trial_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* What is not listed counts as one: to be refused costs speed, to be taken wrongly costs data. */
bool trial_is_refusal(int error)
{
	switch (-error) {
	case ENOMEM:
	case ENOSPC:
	case EBUSY:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ETIMEDOUT:
	case EACCES:
	case EPERM:
	case ENOTTY:
	case EBADF:
	case ENXIO:
		return false;
	default:
		return error < 0;
	}
}

void trial_note(int error, enum trial_verdict *verdict, uint32_t *refusal)
{
	*refusal = 0;
	if (error == 0) {
		*verdict = TRIAL_TAKEN;
	} else if (trial_is_refusal(error)) {
		*verdict = TRIAL_REFUSED;
		*refusal = (uint32_t)-error;
	} else {
		*verdict = TRIAL_NOT_MADE;
	}
}
