/* SPDX-License-Identifier: MIT */
/* The last look at a machine file before it is written: is there a name that must not be? */
#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/private.h"
#include "ctl/text.h"

#define USERS_FROM 1000 /* uids of persons, as distributions give them */
#define USERS_TO 60000
#define NAMES_MAX 256

/* What must not be in any text. */
struct secrets {
	char *names[NAMES_MAX];
	size_t len;
};

static void add_secret(struct secrets *secrets, const char *name, size_t len)
{
	if (len > 1 && secrets->len < NAMES_MAX)
		secrets->names[secrets->len++] = text_format("%.*s", (int)len, name);
}

static void add_host(struct secrets *secrets)
{
	char host[256] = {0};

	if (gethostname(host, sizeof(host) - 1) < 0 || strcmp(host, "localhost") == 0)
		return;
	add_secret(secrets, host, strlen(host));
	add_secret(secrets, host, strcspn(host, "."));
}

static void add_users(struct secrets *secrets)
{
	static const char *const variables[] = {"USER", "LOGNAME", "SUDO_USER"};
	const struct passwd *user;
	const char *name;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		name = getenv(variables[i]);
		if (name && strcmp(name, "root") != 0)
			add_secret(secrets, name, strlen(name));
	}
	setpwent();
	while ((user = getpwent())) {
		if ((user->pw_uid < USERS_FROM || user->pw_uid >= USERS_TO) &&
		    (user->pw_uid != getuid() || user->pw_uid == 0))
			continue;
		add_secret(secrets, user->pw_name, strlen(user->pw_name));
		for (name = user->pw_gecos; *name; name += strspn(name, " ,")) {
			add_secret(secrets, name, strcspn(name, " ,"));
			name += strcspn(name, " ,");
		}
	}
	endpwent();
}

/* Whether `text` has `name` as a word of its own. */
static bool has_word(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strcasestr(text, name); at; at = strcasestr(at + 1, name))
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[len]))
			return true;
	return false;
}

/* Six pairs of hexadecimal digits with the same colon or dash between them. */
static bool is_mac(const char *text)
{
	for (int i = 0; i < 6; i++, text += 3) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		if (i < 5 && text[2] != ':' && text[2] != '-')
			return false;
	}
	return true;
}

static int check_text(const struct secrets *secrets, const char *const *allowed, const char *where,
		      const char *text)
{
	for (const char *at = text; *at; at++)
		if (is_mac(at))
			return ctl_error(CTL_REFUSED,
					 "%s: '%s' holds what looks like a MAC "
					 "address; nothing is written",
					 where, text);
	for (size_t i = 0; i < secrets->len; i++)
		if (!text_is_one_of(secrets->names[i], allowed) &&
		    has_word(text, secrets->names[i]))
			return ctl_error(CTL_REFUSED,
					 "%s: '%s' holds '%s', a name of this host or of one of "
					 "its users; nothing is written. If it is no secret: "
					 "--public %s",
					 where, text, secrets->names[i], secrets->names[i]);
	return 0;
}

static int check_value(const struct secrets *secrets, const char *const *allowed, const char *where,
		       struct json_object *value);

static int check_members(const struct secrets *secrets, const char *const *allowed,
			 const char *where, struct json_object *object)
{
	int status = 0;
	char *path;

	json_object_object_foreach(object, key, value)
	{
		if (status || text_is_one_of(key, private_word_keys) || strcmp(key, "origin") == 0)
			continue;
		path = text_format("%s%s%s", where, *where ? "." : "", key);
		status = check_value(secrets, allowed, path, value);
		free(path);
	}
	return status;
}

static int check_value(const struct secrets *secrets, const char *const *allowed, const char *where,
		       struct json_object *value)
{
	int status = 0;
	char *path;

	if (json_object_is_type(value, json_type_string))
		return check_text(secrets, allowed, where, json_object_get_string(value));
	if (json_object_is_type(value, json_type_object))
		return check_members(secrets, allowed, where, value);
	if (!json_object_is_type(value, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(value) && !status; i++) {
		path = text_format("%s[%zu]", where, i);
		status = check_value(secrets, allowed, path, json_object_array_get_idx(value, i));
		free(path);
	}
	return status;
}

int private_check(struct json_object *machine, const char *const *allowed)
{
	struct secrets secrets = {0};
	int status;

	add_host(&secrets);
	add_users(&secrets);
	status = check_value(&secrets, allowed, "", machine);
	for (size_t i = 0; i < secrets.len; i++)
		free(secrets.names[i]);
	return status;
}
