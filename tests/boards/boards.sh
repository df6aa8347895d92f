#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: boards.sh TEST-BOARDS BOARDS.MD
#
# Runs test-boards on the device trees that are there; what is not there is skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/trees.sh"
"$1" "$2" "$dtbs" "$scratch/trees"
