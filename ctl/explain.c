/* SPDX-License-Identifier: MIT */
/* `explain`: draws the access policy, as text, as data, and by Graphviz. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/chain.h"
#include "ctl/json.h"
#include "ctl/request.h"
#include "ctl/svg.h"
#include "ctl/text.h"

#define PLAN_BYTES_MAX (4 * 1024 * 1024)
#define STDOUT "-"

static int apply_plan(struct ctl *ctl, const char *value)
{
	ctl->plan_file = value;
	return 0;
}

static int apply_svg(struct ctl *ctl, const char *value)
{
	ctl->svg_file = value;
	return 0;
}

static int apply_dot(struct ctl *ctl, const char *value)
{
	ctl->dot_file = value ? value : STDOUT;
	return 0;
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, STDOUT) == 0;
}

static int check_words(const struct ctl *ctl)
{
	if (ctl->plan_file && (ctl->arguments[0] || ctl->request || ctl->request_file ||
			       ctl->machine_file || ctl->address))
		return ctl_error(CTL_USAGE, "--plan stands alone: a plan says all of it");
	if (is_stdout(ctl->svg_file) + is_stdout(ctl->dot_file) + (ctl->json != CTL_JSON_OFF) > 1)
		return ctl_error(CTL_USAGE, "--svg, --dot and --json: only one of them to stdout");
	return 0;
}

/* ---- what is drawn ---- */

static int load_plan(struct ctl *ctl, struct chains *ret_chains)
{
	const char *where = is_stdout(ctl->plan_file) ? "stdin" : ctl->plan_file;
	struct json_object *plan;
	int status = json_load(ctl->plan_file, PLAN_BYTES_MAX, &plan);

	return status ? status : chains_create(where, plan, NULL, ret_chains);
}

static int ask_plan(struct ctl *ctl, struct chains *ret_chains)
{
	struct dmabroker_record *answer;
	struct json_object *plan;
	int error, status = request_build(ctl);

	if (status)
		return status;
	error = dmabroker_plan(ctl->broker, ctl->request, &answer);
	if (error)
		return ctl_failed(ctl, error);
	plan = json_from_record(answer);
	dmabroker_record_destroy(answer);
	return chains_create("the plan", plan, ctl->request, ret_chains);
}

/* ---- where it goes ---- */

static int write_text(const char *path, const char *text)
{
	FILE *file;
	bool written;

	if (is_stdout(path)) {
		fputs(text, stdout);
		return 0;
	}
	file = fopen(path, "we");
	if (!file)
		return ctl_error(CTL_REFUSED, "%s: %m", path);
	written = fputs(text, file) >= 0;
	if (fclose(file) != 0 || !written)
		return ctl_error(CTL_REFUSED, "%s: cannot write: %m", path);
	return 0;
}

static int write_drawings(const struct ctl *ctl, const struct chains *chains)
{
	char *dot = chains_to_dot(chains), *svg = NULL;
	int status = 0;

	if (ctl->dot_file)
		status = write_text(ctl->dot_file, dot);
	if (!status && ctl->svg_file)
		status = svg_from_dot(dot, &svg);
	if (!status && ctl->svg_file)
		status = write_text(ctl->svg_file, svg);
	free(svg);
	free(dot);
	return status;
}

static int run(struct ctl *ctl)
{
	struct chains chains;
	int status = check_words(ctl);

	if (!status)
		status = ctl->plan_file ? load_plan(ctl, &chains) : ask_plan(ctl, &chains);
	if (status)
		return status;
	if (ctl->svg_file || ctl->dot_file)
		status = write_drawings(ctl, &chains);
	if (!status && ctl->json)
		json_print(ctl, chains_to_json(&chains));
	else if (!status && !is_stdout(ctl->svg_file) && !is_stdout(ctl->dot_file))
		chains_show(ctl, &chains);
	chains_finish(&chains);
	return status;
}

static const struct ctl_option options[] = {
	{"plan", 0, "FILE", "draw this plan, as 'plan --json' prints it", apply_plan},
	{"svg", 0, "FILE", "draw it as SVG as well; '-' is stdout", apply_svg},
	{"dot", 0, "[=FILE]", "the same for Graphviz, else to stdout", apply_dot},
	{.name = NULL}};

const struct ctl_verb explain_verb = {
	.name = "explain",
	.arguments = "[OPTION...] --size WxH PARTICIPANT... | --request FILE |\n"
		     "                   --plan FILE",
	.summary = "Draws what is due when a buffer passes from one to the next",
	.details = request_help,
	.options = request_options,
	.more = options,
	.participants = true,
	.run = run,
};
