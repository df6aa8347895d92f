/* SPDX-License-Identifier: MIT */
/*
 * Writes a reference page from the tables of the code, so that no number and no key is written down
 * twice: docs/vocabulary.md, docs/limits.md, docs/formats.md, docs/dmabroker-protocol.7.scd,
 * docs/machine-file.md or docs/machine.schema.json.
 *
 * usage: reference PAGE >docs/PAGE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/error.h"
#include "broker/model/format.h"
#include "broker/quota.h"
#include "broker/model/bounds.h"
#include "protocol/limits.h"

static const char *wire_type(const struct vocab_row *row)
{
	static const char *const types[] = {
		[VOCAB_BOOL] = "b",	   [VOCAB_U32] = "u",	    [VOCAB_U64] = "t",
		[VOCAB_FOURCC] = "u",	   [VOCAB_MODIFIER] = "t",  [VOCAB_ENUM] = "s",
		[VOCAB_STRING] = "s",	   [VOCAB_FD] = "h",	    [VOCAB_STRINGS] = "as",
		[VOCAB_FORMATS] = "a(ut)", [VOCAB_SIZES] = "a(uu)", [VOCAB_DICTS] = "aa{sv}",
	};

	return types[row->type];
}

static void write_words(const struct vocab_row *row)
{
	for (size_t i = 0; row->names[i]; i++) {
		printf("%s`%s`", i ? ", " : "", row->names[i]);
		if (row->max && i >= row->max)
			printf(" (not served yet)");
	}
}

static void write_limits(const struct vocab_row *row)
{
	if (row->type == VOCAB_ENUM) {
		write_words(row);
		return;
	}
	if (row->type == VOCAB_DICTS)
		printf("list of %s, ", row->group->name);
	if (row->type == VOCAB_BOOL || row->type == VOCAB_FD || row->type == VOCAB_FOURCC ||
	    row->type == VOCAB_MODIFIER)
		return;
	if (row->max == VOCAB_NO_LIMIT32 || row->max == VOCAB_NO_LIMIT64)
		printf("%llu or more", (unsigned long long)row->min);
	else
		printf("%llu to %llu", (unsigned long long)row->min, (unsigned long long)row->max);
}

static void write_default(const struct vocab_row *row)
{
	if (row->flags & VOCAB_REQUIRED)
		printf("required");
	else if (row->type == VOCAB_ENUM)
		printf("`%s`", row->names[row->dflt]);
	else if (row->type == VOCAB_BOOL)
		printf(row->dflt ? "true" : "false");
	else if (row->type != VOCAB_U32 && row->type != VOCAB_U64)
		printf("none");
	else if (row->dflt == VOCAB_NO_LIMIT32 || row->dflt == VOCAB_NO_LIMIT64)
		printf("no limit");
	else
		printf("%llu", (unsigned long long)row->dflt);
}

static void write_row(const struct vocab_row *row)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("| `%s` | %s | %s | ", row->name, wire_type(row), row->unit);
	write_default(row);
	printf(" | ");
	write_limits(row);
	printf(" | %s |\n", row->doc);
}

static void write_group(const struct vocab_group *group)
{
	printf("\n## %s\n\n%s", group->name, group->doc);
	if (group->facts)
		printf(" A record of facts: each value that is no list of records travels as "
		       "`(vs)`, value and origin.");
	printf("\n\n| key | type | unit | where absent | limits | meaning "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < group->rows_len; i++)
		write_row(&group->rows[i]);
}

static void write_vocabulary(void)
{
	printf("# Vocabulary\n\n"
	       "<!-- Written by tests/lint/reference.c from broker/model/vocabulary.h; a test "
	       "compares. -->\n\n"
	       "Every key of a request, a plan and a descriptor: the same on the wire (a{sv}), in "
	       "JSON and in\n`dmabroker_record_get_*` and `_set_*`. A request with an unknown key "
	       "is refused, unless the key begins\nwith `x-`; the property `Features` of the "
	       "manager "
	       "lists the keys a daemon knows. A key that is absent is\nnever the same as zero. "
	       "\"Not served yet\": known, and answered with the error NotSupported.\n\n"
	       "Origins of facts, from the weakest: ");
	for (int i = VOCAB_ASSUMED; i < VOCAB_ORIGINS; i++)
		printf("%s`%s`", i > VOCAB_ASSUMED ? ", " : "", vocab_origin_names[i]);
	printf(".\n");
	for (size_t i = 0; vocab_groups[i]; i++)
		write_group(vocab_groups[i]);
	printf("\n## Errors\n\nOn the wire with the prefix `" ERROR_PREFIX "`.\n\n"
	       "| name | errno | meaning |\n|---|---|---|\n");
	for (int i = 1; i < ERROR_CODES; i++)
		printf("| %s | %s | %s |\n", error_rows[i].name,
		       strerrorname_np(-error_rows[i].number), error_rows[i].doc);
}

static void write_all_limits(void)
{
	printf("# Limits\n\n<!-- Written by tests/lint/reference.c from protocol/limits.h, "
	       "broker/quota.h and broker/model/bounds.h; a test compares. -->\n\n"
	       "Limits of single keys stand in vocabulary.md.\n\n## Of the wire\n\n"
	       "| limit | meaning |\n|---|---|\n");
#define ROW(name, value, doc) printf("| %d | %s |\n", (int)(value), doc);
	LIMITS(ROW)
	printf("\n## Of clients and users\n\nWhat is charged before it is spent; more is refused "
	       "with QuotaExceeded.\n\n| what | of one client | of one user | in all |\n"
	       "|---|---|---|---|\n");
	for (int i = 0; i < QUOTA_KINDS; i++)
		printf("| %s | %llu | %llu | %llu |\n", quota_limits[i].name,
		       (unsigned long long)quota_limits[i].client,
		       (unsigned long long)quota_limits[i].user,
		       (unsigned long long)quota_limits[i].total);
	printf("\n## Of a negotiation\n\nHow far the solver looks: docs/negotiation.md.\n\n"
	       "| limit | meaning |\n|---|---|\n");
	BOUNDS(ROW)
}

/* scdoc: underscores and asterisks mean something there. */
static void write_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '`')
			continue;
		if (*text == '_' || *text == '*')
			putchar('\\');
		putchar(*text);
	}
}

static void write_man_row(const struct vocab_row *row)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("*%s* (%s%s%s%s)\n\t", row->name, wire_type(row), row->unit[0] ? ", " : "",
	       row->unit, row->flags & VOCAB_REQUIRED ? ", required" : "");
	write_escaped(row->doc);
	putchar('.');
	if (row->type == VOCAB_ENUM) {
		printf(" One of");
		for (size_t i = 0; row->names[i]; i++)
			printf("%s _%s_%s", i ? "," : "", row->names[i],
			       row->max && i >= row->max ? " (not served yet)" : "");
		putchar('.');
	} else if (row->type == VOCAB_DICTS) {
		printf(" A list of _%s_.", row->group->name);
	} else if ((row->type == VOCAB_U32 || row->type == VOCAB_U64) &&
		   row->max != VOCAB_NO_LIMIT32 && row->max != VOCAB_NO_LIMIT64) {
		printf(" From %llu to %llu.", (unsigned long long)row->min,
		       (unsigned long long)row->max);
	}
	printf("\n\n");
}

static void write_man(void)
{
	printf("dmabroker-protocol(7)\n\n"
	       "; SPDX-License-Identifier: MIT\n"
	       "; Written by tests/lint/reference.c from broker/model/vocabulary.h; a test "
	       "compares.\n\n"
	       "# NAME\n\ndmabroker-protocol - the keys and errors of org.dmabroker1\n\n"
	       "# DESCRIPTION\n\n"
	       "Methods, signals and transports stand in the specification,\n"
	       "_/usr/share/dbus-1/interfaces/org.dmabroker1.xml_. Here are the keys of its "
	       "dictionaries, which\nare also those of *dmabrokerctl*(1)'s JSON and of "
	       "libdmabroker's records, with their type on the wire.\n"
	       "A request with an unknown key is refused, unless the key begins with x-. A key "
	       "that is absent is never the\nsame as zero.\n\n");
	for (size_t i = 0; vocab_groups[i]; i++) {
		printf("# %s\n\n%s\n\n", vocab_groups[i]->name, vocab_groups[i]->doc);
		for (size_t j = 0; j < vocab_groups[i]->rows_len; j++)
			write_man_row(&vocab_groups[i]->rows[j]);
	}
	printf("# ERRORS\n\nOn the wire with the prefix " ERROR_PREFIX "\n\n");
	for (int i = 1; i < ERROR_CODES; i++)
		printf("*%s* (%s)\n\t%s.\n\n", error_rows[i].name,
		       strerrorname_np(-error_rows[i].number), error_rows[i].doc);
	printf("# SEE ALSO\n\n*dmabrokerctl*(1), *dmabrokerd*(8)\n");
}

/* ---- formats ---- */

static const char formats_intro[] =
	"# Formats\n\n"
	"<!-- Written by tests/lint/reference.c from broker/model/format.c; a test compares. "
	"-->\n\n"
	"Linear pictures whose layout dmabroker knows ([negotiation.md](negotiation.md), section "
	"4). "
	"The name in requests and plans is\n"
	"the fourcc of the first column: DRM's, where DRM has one. What V4L2 alone knows has "
	"V4L2's "
	"fourcc, or one of ours where\n"
	"that means something else in DRM (BA12, RG16, AYUV, XYUV, BGRH); there the fourth column "
	"has a \"no\", and with a DRM device\n"
	"such a format is a conflict (express). All other formats need a participant that supplies "
	"the layout.\n\n"
	"V4L2 formats of several memory objects (NM12 and the like) are not served: a picture is "
	"in "
	"one. Where V4L2 has an older\n"
	"second name for the same bytes, the preferred one comes first. A fourcc that cannot be "
	"printed (big-endian) is a number.\n\n"
	"Planes: bytes of a block, and the pixels of the picture that it covers, width x rows; a "
	"block has one row of its plane.\n\n"
	"| fourcc | format | V4L2 | DRM | VA | planes |\n|---|---|---|---|---|---|\n";

static void write_fourcc(uint32_t fourcc)
{
	char text[FORMAT_TEXT_BYTES];

	format_text(fourcc, text);
	printf("`%s`", text);
}

static void write_format_planes(const struct format_info *info)
{
	for (unsigned int i = 0; i < info->planes_len; i++) {
		const struct format_plane *plane = &info->planes[i];

		printf("%s%u in %ux%u", i ? ", " : "", plane->block_bytes, plane->block_width,
		       plane->row_height);
	}
}

static void write_formats(void)
{
	const struct format_info *info;

	fputs(formats_intro, stdout);
	for (size_t i = 0; (info = format_at(i)); i++) {
		printf("| ");
		write_fourcc(info->fourcc);
		printf(" | %s |", info->name);
		for (int j = 0; j < 2 && info->v4l2[j]; j++) {
			printf(" ");
			write_fourcc(info->v4l2[j]);
		}
		printf(" | %s |", info->drm ? "" : "no");
		if (info->va) {
			printf(" ");
			write_fourcc(info->va);
		}
		printf(" | ");
		write_format_planes(info);
		printf(" |\n");
	}
}

/* ---- machine files ---- */

static const struct vocab_group *const machine_groups[] = {
	&vocab_machine, &vocab_device, &vocab_role, &vocab_device_format, &vocab_heap};

#define MACHINE_GROUPS (sizeof(machine_groups) / sizeof(machine_groups[0]))

static const char *json_type(const struct vocab_row *row)
{
	static const char *const types[] = {
		[VOCAB_BOOL] = "true or false",
		[VOCAB_U32] = "number",
		[VOCAB_U64] = "number",
		[VOCAB_FOURCC] = "string such as \"XR24\"",
		[VOCAB_MODIFIER] = "string such as \"0x0\"",
		[VOCAB_ENUM] = "word",
		[VOCAB_STRING] = "string",
		[VOCAB_STRINGS] = "list of strings",
		[VOCAB_SIZES] = "list of sizes",
		[VOCAB_DICTS] = "list of objects",
	};

	return types[row->type];
}

static void write_machine_row(const struct vocab_row *row)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("| `%s` | %s | ", row->name, json_type(row));
	write_limits(row);
	printf(" | %s | %s%s%s%s |\n", row->flags & VOCAB_REQUIRED ? "must be there" : "", row->doc,
	       row->unit[0] ? " (" : "", row->unit, row->unit[0] ? ")" : "");
}

static const char machine_intro[] =
	"# Machine files\n\n"
	"<!-- Written by tests/lint/reference.c from broker/model/vocabulary.h; a test compares. "
	"-->\n\n"
	"A machine file holds all facts of one machine as JSON. With a request it reproduces a "
	"plan\n"
	"anywhere: a bug report is these two files, and so is a test (`tests/machines`).\n\n"
	"    dmabrokerctl dump FILE                            writes one\n"
	"    dmabrokerctl plan --machine FILE REQUEST.json     plans on it, without daemon, "
	"device, root\n"
	"    dmabrokerctl devices --machine FILE               shows it; so do heaps and machine\n"
	"    dmabrokerctl dump --machine FILE                  takes out what is private, puts in "
	"order\n\n"
	"[machine.schema.json](machine.schema.json) says the same as this page as a JSON Schema "
	"(draft 7).\n"
	"C programs do the same with `dmabroker_machine_create` and `dmabroker_open_machine`.\n\n"
	"## Form\n\n"
	"The file is one object with `\"machine-file\": 1`, the keys of a machine, and the lists "
	"`devices`\n"
	"and `heaps`. Every value is a fact: either with its origin, as `dump` writes it,\n\n"
	"    \"address-bits\": {\"value\": 32, \"origin\": \"assumed\"}\n\n"
	"or by itself, as a person may write it; its origin is `declared` then:\n\n"
	"    \"address-bits\": 32\n\n"
	"Lists of objects (devices, heaps, roles, formats) are plain lists. A size is\n"
	"`{\"width\": 640, \"height\": 480}` or `\"640x480\"`. Only what matters need be there: "
	"what is absent\n"
	"is taken as the safe side, as on a real machine ([vocabulary.md](vocabulary.md), column "
	"\"where\n"
	"absent\"). What must be there: `id` of a device or heap, `role` of a role, `format` of a "
	"format.\n\n"
	"A smallest machine: one camera, one heap.\n\n"
	"```json\n"
	"{\"machine-file\": 1,\n"
	" \"devices\": [{\"id\": \"camera\", \"coherency\": \"coherent\", \"address-bits\": 64, "
	"\"roles\": [\n"
	"     {\"role\": \"capture\", \"imports\": true, \"contiguity\": \"none\", \"formats\": [\n"
	"         {\"format\": \"XR24\", \"v4l2-format\": \"XR24\", \"stride-align\": 1}]}]}],\n"
	" \"heaps\": [{\"id\": \"system\", \"known\": true, \"cached\": true, \"maintenance\": "
	"\"attachments\"}]}\n"
	"```\n\n"
	"Refused are, with the path of the key (`devices[2].roles[0].formats[1].stride-align: 0 is "
	"wrong:\n"
	"right is a whole number from 1 to 65536 (bytes)`): unknown keys, unless they begin with "
	"`x-`; values\n"
	"of another type or outside their limits; a key that comes twice in an object; two devices "
	"or two\n"
	"heaps with one id; files of more than 32 MiB or a million values.\n\n"
	"`machine-file` grows when a file of the new form would be misread by an older program; "
	"new keys and\n"
	"words are no reason.\n\n"
	"## What `dump` leaves out\n\n"
	"A dump is meant to be published. The rule says what may stay, not what must go:\n\n"
	"- Numbers, truth values and words of the vocabulary stay.\n"
	"- `name` and `id` of a device stay where it hangs from platform and PCI buses alone: "
	"there its name\n"
	"  comes from the driver's source. All others (USB, virtual devices such as v4l2loopback, "
	"what a host\n"
	"  hands to its guest) may bear a name that a person gave them: they become driver and "
	"number,\n"
	"  `v4l2:usb:uvcvideo-1:0`, the same number for all nodes of one thing. Requests name them "
	"so, too.\n"
	"- `node` stays where it is one of the kernel's own names; `driver`, `compatible`, "
	"`dma-device` and\n"
	"  `architecture` where they are made of the letters such names are made of.\n"
	"- `kernel` is cut to its number and those parts behind it that distributions use "
	"(`6.12.117-1-amd64`).\n"
	"- Lines of `how` go where a person may have written them (facts of origin quirk or "
	"declared), where\n"
	"  they name a file outside of /sys, /proc, /dev and the device tree, and where they "
	"repeat a name that\n"
	"  was taken out.\n"
	"- Any other text does not get through.\n\n"
	"At last all texts are looked through: what looks like a MAC address, or has the name of "
	"the host or of\n"
	"one of its users as a word, is an error, and nothing is written. Where such a name is no "
	"secret (a host\n"
	"called rockchip), `--public rockchip` says so.\n\n"
	"Facts are in the order of the vocabulary, devices and heaps in the order of their ids: "
	"two dumps of\n"
	"one state are the same to the byte.\n";

static void write_machine_file(void)
{
	fputs(machine_intro, stdout);
	for (size_t g = 0; g < MACHINE_GROUPS; g++) {
		printf("\n## %s\n\n%s\n\n| key | value | limits | | meaning |\n"
		       "|---|---|---|---|---|\n",
		       machine_groups[g]->name, machine_groups[g]->doc);
		for (size_t i = 0; i < machine_groups[g]->rows_len; i++)
			write_machine_row(&machine_groups[g]->rows[i]);
	}
}

static void write_schema_enum(const struct vocab_row *row)
{
	printf("{\"enum\": [");
	for (size_t i = 0; row->names[i]; i++)
		printf("%s\"%s\"", i ? ", " : "", row->names[i]);
	printf("]}");
}

static void write_schema_value(const struct vocab_row *row)
{
	unsigned long long min = row->min, max = row->max;

	switch (row->type) {
	case VOCAB_BOOL:
		printf("{\"type\": \"boolean\"}");
		break;
	case VOCAB_U32:
	case VOCAB_U64:
		printf("{\"type\": \"integer\", \"minimum\": %llu, \"maximum\": %llu}", min, max);
		break;
	case VOCAB_FOURCC:
		printf("{\"type\": \"string\", \"pattern\": \"^([ "
		       "-~]{1,4}|0x[0-9a-fA-F]{1,8})$\"}");
		break;
	case VOCAB_MODIFIER:
		printf("{\"type\": \"string\", \"pattern\": "
		       "\"^(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})$\"}");
		break;
	case VOCAB_ENUM:
		write_schema_enum(row);
		break;
	case VOCAB_STRING:
		printf("{\"type\": \"string\", \"minLength\": %llu, \"maxLength\": %llu}", min,
		       max);
		break;
	case VOCAB_STRINGS:
		printf("{\"type\": \"array\", \"maxItems\": %llu, \"items\": {\"type\": "
		       "\"string\"}}",
		       max);
		break;
	default:
		printf("{\"type\": \"array\", \"maxItems\": %llu, \"items\": {\"$ref\": "
		       "\"#/definitions/%s\"}}",
		       max, row->type == VOCAB_SIZES ? "size" : row->group->name);
		break;
	}
}

/* A value by itself or with its origin; lists of records by themselves. */
static void write_schema_row(const struct vocab_row *row, const char *comma)
{
	if (row->flags & VOCAB_LOCAL)
		return;
	printf("%s\n        \"%s\": ", comma, row->name);
	if (row->type == VOCAB_DICTS) {
		write_schema_value(row);
		return;
	}
	printf("{\"anyOf\": [\n          ");
	write_schema_value(row);
	printf(",\n          {\"type\": \"object\", \"required\": [\"value\", \"origin\"], "
	       "\"additionalProperties\": false, \"properties\": {\n            \"origin\": "
	       "{\"$ref\": "
	       "\"#/definitions/origin\"},\n            \"value\": ");
	write_schema_value(row);
	printf("}}]}");
}

/* What an object must have beside what the vocabulary says: without it nobody knows what it is. */
static const char *needed(const struct vocab_group *group)
{
	return group == &vocab_machine	       ? "machine-file"
	       : group == &vocab_role	       ? "role"
	       : group == &vocab_device_format ? "format"
					       : "id";
}

static void write_schema_group(const struct vocab_group *group)
{
	printf("    \"%s\": {\n      \"description\": \"%s\",\n      \"type\": \"object\",\n"
	       "      \"required\": [\"%s\"],\n      \"patternProperties\": {\"^x-\": {}},\n"
	       "      \"additionalProperties\": false,\n      \"properties\": {",
	       group->name, group->doc, needed(group));
	if (group == &vocab_machine)
		printf("\n        \"machine-file\": {\"enum\": [1]},");
	for (size_t i = 0; i < group->rows_len; i++)
		write_schema_row(&group->rows[i], i ? "," : "");
	printf("\n      }\n    }");
}

static void write_schema(void)
{
	printf("{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
	       "  \"title\": \"Machine file of dmabroker\",\n"
	       "  \"$comment\": \"Written by tests/lint/reference.c from "
	       "broker/model/vocabulary.h; "
	       "a test compares. Lengths of strings are bytes.\",\n"
	       "  \"$ref\": \"#/definitions/machine\",\n  \"definitions\": {\n"
	       "    \"origin\": {\"enum\": [");
	for (int i = VOCAB_ASSUMED; i < VOCAB_SOLVED; i++)
		printf("%s\"%s\"", i > VOCAB_ASSUMED ? ", " : "", vocab_origin_names[i]);
	printf("]},\n    \"size\": {\"anyOf\": [\n"
	       "      {\"type\": \"string\", \"pattern\": \"^[0-9]+x[0-9]+$\"},\n"
	       "      {\"type\": \"object\", \"required\": [\"width\", \"height\"], "
	       "\"additionalProperties\": false, \"properties\": {\n"
	       "        \"width\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": "
	       "4294967295},\n"
	       "        \"height\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": "
	       "4294967295}}}]}");
	for (size_t g = 0; g < MACHINE_GROUPS; g++) {
		printf(",\n");
		write_schema_group(machine_groups[g]);
	}
	printf("\n  }\n}\n");
}

static const struct {
	const char *name;
	void (*write)(void);
} pages[] = {
	{"vocabulary.md", write_vocabulary},	 {"limits.md", write_all_limits},
	{"dmabroker-protocol.7.scd", write_man}, {"machine-file.md", write_machine_file},
	{"machine.schema.json", write_schema},	 {"formats.md", write_formats},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(argv[1], pages[i].name) != 0)
			continue;
		pages[i].write();
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}
