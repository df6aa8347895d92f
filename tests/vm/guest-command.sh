#!/bin/sh
# shellcheck disable=SC1091,SC2153,SC2154 # what it reads is written by rig.sh
# SPDX-License-Identifier: MIT
#
# Runs the one command of `rig.sh exec`, after the services it asked for.

. /run/rig/conf
export RIG_WANTED="$WANTED"
. "$SRC/tests/vm/services.sh"
start_wanted || exit 125
. /run/rig/command
