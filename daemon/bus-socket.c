/* SPDX-License-Identifier: MIT */
/*
 * A libdbus server, and what libdbus leaves to us: who may connect is the socket's mode, which
 * libdbus would open to everybody; who connects is what the kernel says (SO_PEERCRED), before a
 * byte is read; and an accept that fails for want of fds, which libdbus keeps silent about, must
 * not spin.
 */
#include "daemon/bus-socket.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/bus-loop.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "protocol/limits.h"

#define PAUSE_MS 100
#define GROUP "dmabroker"

struct bus_socket {
	struct bus_loop glue;
	DBusServer *server;
	const char *path;
	struct loop_timer pause;
	bool accepted; /* since the last activity */
	void (*on_connection)(void *data, DBusConnection *connection, uid_t uid);
	void *data;
};

/* ---- the file ---- */

static int fail_socket(const char *path, int number)
{
	log_error("no socket at %s: %s", path, strerror(-number));
	return number;
}

static int make_folder(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* Whether somebody listens there. */
static bool is_in_use(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool in_use;

	if (fd < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	in_use = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
	close(fd);
	return in_use;
}

/*
 * Who may connect is what the socket's mode says: owner and group dmabroker, or the owner alone
 * where there is no such group or it is not ours to give.
 */
static void set_mode(const char *path)
{
	const struct group *group = getgrnam(GROUP);
	struct stat status;

	/* a service manager may have started us in that group, and forbidden to change any */
	if (group && stat(path, &status) == 0 &&
	    (status.st_gid == group->gr_gid || chown(path, (uid_t)-1, group->gr_gid) == 0))
		chmod(path, 0660);
	else
		chmod(path, 0600);
}

static DBusServer *listen_at(const char *path)
{
	DBusError error = DBUS_ERROR_INIT;
	char *escaped = dbus_address_escape_value(path);
	char address[PATH_MAX + 32];
	DBusServer *server = NULL;

	if (!escaped)
		return NULL;
	snprintf(address, sizeof(address), "unix:path=%s", escaped);
	dbus_free(escaped);
	server = dbus_server_listen(address, &error);
	if (!server)
		log_error("%s", error.message);
	dbus_error_free(&error);
	return server;
}

/*
 * libdbus lets everybody write to the socket it makes. So it is made in a folder that only we can
 * enter, and moved to its place, over a stale one, when its mode is right.
 */
static int make_socket(const char *path, DBusServer **ret_server)
{
	char folder[PATH_MAX], place[PATH_MAX + 8];
	int error = 0;

	snprintf(folder, sizeof(folder), "%s.XXXXXX", path);
	if (!mkdtemp(folder))
		return -errno;
	snprintf(place, sizeof(place), "%s/s", folder);
	*ret_server = listen_at(place);
	if (!*ret_server)
		error = -EINVAL;
	if (!error) {
		set_mode(place);
		if (rename(place, path) < 0)
			error = -errno;
	}
	if (error && *ret_server) {
		dbus_server_disconnect(*ret_server);
		dbus_server_unref(*ret_server);
		*ret_server = NULL;
	}
	unlink(place);
	rmdir(folder);
	return error;
}

/* ---- connections ---- */

static void set_direct_limits(DBusConnection *connection)
{
	dbus_connection_set_max_message_size(connection, LIMIT_MESSAGE_BYTES);
	dbus_connection_set_max_received_size(connection, 2L * LIMIT_MESSAGE_BYTES);
	dbus_connection_set_max_message_unix_fds(connection, LIMIT_MESSAGE_FDS_IN);
	dbus_connection_set_max_received_unix_fds(connection, 4L * LIMIT_MESSAGE_FDS_IN);
}

static int read_peer_uid(DBusConnection *connection, uid_t *ret_uid)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	int fd;

	if (!dbus_connection_get_unix_fd(connection, &fd))
		return -EBADF;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return -errno;
	*ret_uid = credentials.uid;
	return 0;
}

static void on_connection(DBusServer *server, DBusConnection *connection, void *data)
{
	struct bus_socket *socket = data;
	uid_t uid = (uid_t)-1;

	(void)server;
	socket->accepted = true;
	if (read_peer_uid(connection, &uid))
		return;
	set_direct_limits(connection);
	socket->on_connection(socket->data, connection, uid);
}

/* The socket was readable: if nobody came, there were no fds for them, and it gets a rest. */
static void on_activity(void *data)
{
	struct bus_socket *socket = data;

	if (!socket->accepted) {
		log_refusal(LOG_REFUSAL_CONNECTIONS, (uid_t)-1);
		bus_loop_pause(&socket->glue);
		loop_start_timer(socket->glue.loop, &socket->pause, PAUSE_MS);
	}
	socket->accepted = false;
}

static void on_pause_over(void *data)
{
	struct bus_socket *socket = data;

	bus_loop_resume(&socket->glue);
}

/* ---- begin and end ---- */

static int attach(struct bus_socket *socket)
{
	static const char *mechanisms[] = {"EXTERNAL", NULL};

	dbus_server_set_new_connection_function(socket->server, on_connection, socket, NULL);
	if (!dbus_server_set_auth_mechanisms(socket->server, mechanisms))
		return -ENOMEM;
	return bus_loop_attach_server(&socket->glue, socket->server);
}

int bus_socket_create(struct loop *loop, const char *path,
		      void (*on_new)(void *data, DBusConnection *connection, uid_t uid), void *data,
		      struct bus_socket **ret_socket)
{
	struct bus_socket *socket = calloc(1, sizeof(*socket));
	int error;

	if (!socket)
		return fail_socket(path, -ENOMEM);
	socket->glue = (struct bus_loop){.loop = loop, .on_activity = on_activity, .data = socket};
	socket->pause = (struct loop_timer){.on_time = on_pause_over, .data = socket};
	socket->path = path;
	socket->on_connection = on_new;
	socket->data = data;
	error = make_folder(path);
	if (!error && is_in_use(path))
		error = -EADDRINUSE;
	if (!error)
		error = make_socket(path, &socket->server);
	if (!error)
		error = attach(socket);
	if (error) {
		bus_socket_destroy(socket);
		return fail_socket(path, error);
	}
	*ret_socket = socket;
	return 0;
}

void bus_socket_destroy(struct bus_socket *socket)
{
	if (!socket)
		return;
	loop_stop_timer(socket->glue.loop, &socket->pause);
	if (socket->server) {
		dbus_server_disconnect(socket->server);
		bus_loop_detach_server(socket->server);
		dbus_server_set_new_connection_function(socket->server, NULL, NULL, NULL);
		dbus_server_unref(socket->server);
		unlink(socket->path);
	}
	free(socket);
}
