/* SPDX-License-Identifier: MIT */
/* Rows of the solver's tables: machine, request, expected answer. test-solver.c runs them. */
#ifndef TESTS_SOLVER_ROWS_H
#define TESTS_SOLVER_ROWS_H

/*
 * The answer in one line:
 *	HEAP FORMAT[:MODIFIER] STRIDE BYTES COUNT [NAME=ALTERNATIVE ...] [NAME:bounced ...]
 *	                               a plan (picture bytes); what is not linear has its modifier
 *	copies BYTES [inexact] | PLAN (NAME,NAME) | PLAN (NAME) | 0>1 BYTES ...
 *	                               groups with a plan each, and the hops
 *	ERROR [PARTICIPANT:]CONSTRAINT[@KEY] ...
 *	                               an error and its refusals, | between the sets
 * What is NULL is not asked.
 */
struct row {
	const char *name;
	const char *machine; /* machine.h has the syntax of both */
	const char *request;
	const char *answer;
	/* of the plan: key=value ..., NAME.key=value of a view, cost.RULE=value,
	 * runner-up.RULE=value, hopN.key=value; _ for spaces; lists with commas, planes as
	 * OFFSET+STRIDE+BYTES,...; a key without value is absent */
	const char *details;
	/* of the conflict: what the members have, and what would do. "KEY VALUE -> RELAXATION",
	 * with "; " between members and " | " between sets; without arrow: nothing would do */
	const char *members;
	const char *limits;   /* HEAP=BYTES ...: what heaps gave less */
	const char *existing; /* a request whose plan has been allocated */
	/* Another request, with a worse plan: the rule is the first one that differs. */
	const char *rule;
	const char *other;
	const char *other_answer;
};

/* Each ends with a row without name. */
extern const struct row layout_rows[], memory_rows[], choice_rows[], conflict_rows[], copy_rows[],
	brought_rows[];

#endif
