/* SPDX-License-Identifier: MIT */
/* Which broker: a daemon, at one of its addresses, or one inside this process. */
#include <errno.h>
#include <stdlib.h>

#include "libclient/internal.h"

static int connect_to(const char *address, struct dmabroker **ret_broker)
{
	return inprocess_is_address(address) ? inprocess_connect(address, ret_broker)
					     : client_connect(address, ret_broker);
}

/* A daemon at one of the places where one usually is. */
static int find_daemon(struct dmabroker **ret_broker)
{
	int bus_error, error = client_connect("unix:path=" DMABROKER_SOCKET_PATH, ret_broker);

	if (error != -ENOTCONN && error != -EACCES)
		return error;
	bus_error = client_connect("system", ret_broker);
	/* a daemon that refuses us says more than a bus that has none */
	return bus_error == -ENOTCONN ? error : bus_error;
}

int dmabroker_connect(const char *address, struct dmabroker **ret_broker)
{
	int error;

	/* an address may name a program, to be started (unixexec:) or to make trials */
	if (!address)
		address = secure_getenv("DMABROKER_ADDRESS");
	if (address)
		return connect_to(address, ret_broker);
	error = find_daemon(ret_broker);
	/* where there is a daemon, its word counts: who is refused does not go around it */
	if (error == -ENOTCONN && inprocess_may_allocate())
		error = inprocess_connect("in-process", ret_broker);
	return error;
}
