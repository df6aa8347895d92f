/* SPDX-License-Identifier: MIT */
#include "ctl/svg.h"

#include "ctl/text.h"

#if DMABROKER_GRAPHVIZ

#include <gvc.h>
#include <string.h>

static int say_failed(void)
{
	const char *why = aglasterr();

	return ctl_error(CTL_REFUSED,
			 "Graphviz cannot draw: %.*s; --dot writes what any Graphviz draws",
			 why ? (int)strcspn(why, "\n") : 14, why ? why : "it says no why");
}

static int draw(GVC_t *context, graph_t *graph, char **ret_svg)
{
	unsigned int len = 0;
	char *data = NULL;
	int status = 0;

	if (gvLayout(context, graph, "dot") != 0)
		return say_failed();
	if (gvRenderData(context, graph, "svg", &data, &len) != 0 || !data)
		status = say_failed();
	else
		*ret_svg = text_format("%.*s", (int)len, data);
	gvFreeRenderData(data);
	gvFreeLayout(context, graph);
	return status;
}

int svg_from_dot(const char *dot, char **ret_svg)
{
	GVC_t *context = gvContext();
	graph_t *graph;
	int status;

	if (!context)
		return say_failed();
	agseterr(AGMAX); /* it is said here */
	graph = agmemread(dot);
	status = graph ? draw(context, graph, ret_svg) : say_failed();
	if (graph)
		agclose(graph);
	gvFreeContext(context);
	return status;
}

#else

int svg_from_dot(const char *dot, char **ret_svg)
{
	(void)dot;
	(void)ret_svg;
	return ctl_error(CTL_REFUSED,
			 "--svg: this " CTL_NAME " was built without Graphviz (on Debian: "
			 "libgraphviz-dev); --dot=FILE writes what 'dot -Tsvg FILE' draws (Debian: "
			 "graphviz)");
}

#endif
