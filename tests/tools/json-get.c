/* SPDX-License-Identifier: MIT */
/*
 * json-get FILE PATH: prints one value of a JSON file ("-": stdin) for tests in shell. PATH is keys
 * and indices joined by dots ("0.roles.1.formats", "" is everything); '#' at its end prints the
 * length of a list or the number of keys. Strings are printed bare. Exit 0; 1: the value is not
 * there; 2: no JSON, or wrong usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define FILE_BYTES_MAX (16 * 1024 * 1024)

static struct json_object *load(const char *path)
{
	static char text[FILE_BYTES_MAX];
	struct json_tokener *tokener;
	struct json_object *object = NULL;
	size_t len;

	if (strcmp(path, "-") != 0 && !freopen(path, "r", stdin))
		return NULL;
	tokener = json_tokener_new();
	if (!tokener)
		return NULL;
	len = fread(text, 1, FILE_BYTES_MAX - 1, stdin);
	while (len > 0 && strchr(" \n\r\t", text[len - 1]))
		len--;
	text[len] = '\0';
	/* strict: what follows the value is an error; the NUL ends a bare number */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	if (len)
		object = json_tokener_parse_ex(tokener, text, (int)len + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		object = NULL;
	json_tokener_free(tokener);
	return object;
}

static struct json_object *step(struct json_object *value, const char *word)
{
	char *end;
	unsigned long index = strtoul(word, &end, 10);

	if (json_object_is_type(value, json_type_array))
		return *end ? NULL : json_object_array_get_idx(value, index);
	if (json_object_is_type(value, json_type_object))
		return json_object_object_get(value, word);
	return NULL;
}

static int print_len(struct json_object *value)
{
	if (json_object_is_type(value, json_type_array))
		printf("%zu\n", json_object_array_length(value));
	else if (json_object_is_type(value, json_type_object))
		printf("%d\n", json_object_object_length(value));
	else
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct json_object *root, *value;
	char *word;
	int result = 1;

	if (argc != 3) {
		fputs("usage: json-get FILE PATH\n", stderr);
		return 2;
	}
	root = load(argv[1]);
	if (!root) {
		fprintf(stderr, "json-get: %s: no JSON\n", argv[1]);
		return 2;
	}
	value = root;
	for (word = strtok(argv[2], "."); word && value; word = strtok(NULL, ".")) {
		if (strcmp(word, "#") == 0) {
			result = print_len(value);
			value = NULL;
			break;
		}
		value = step(value, word);
	}
	if (value)
		result = puts(json_object_get_string(value)) < 0;
	json_object_put(root);
	return result;
}
