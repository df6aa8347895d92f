#!/bin/sh
# SPDX-License-Identifier: MIT
# What holds for the tree as a whole: who includes whom, what the library exports, that the header
# compiles where it promises to, that the reference pages are those of the code, that every file
# says its licence and has the project's format.
#
# usage: tree.sh SOURCE REFERENCE-PROGRAM LIBRARY COMPILER [HELPER-LIBRARY...]
set -u
source=$(realpath "$1") reference=$(realpath "$2") library=$(realpath "$3") compiler=$4
shift 4
helpers=$(for helper in "$@"; do realpath "$helper"; done)
cd "$source" || exit 1
number=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# result TEXT, with what was found wrong in the file `found`: nothing is right
result() {
	number=$((number + 1))
	if [ -s "$scratch/found" ]; then
		echo "not ok $number - $1"
		sed 's/^/# /' "$scratch/found"
	else
		echo "ok $number - $1"
	fi
}

# includes FOLDER ALLOWED...: whatever the folder's files include from the project must begin with
# one of the allowed paths
includes() {
	folder=$1
	shift
	: >"$scratch/found"
	for file in $(find "$folder" -name '*.[ch]' | sort); do
		sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file" | while read -r included; do
			fine=no
			[ -e "$folder/$included" ] && fine=yes # a neighbour
			for allowed in "$@"; do
				case $included in
				"$allowed"*) fine=yes ;;
				esac
			done
			[ $fine = yes ] || echo "$file includes $included"
		done
	done >"$scratch/found"
	[ -n "$(find "$folder" -name '*.c')" ] || echo "no file in $folder" >>"$scratch/found"
	result "$folder includes only: $*"
}

# only_in PATTERN FILES...: a header that may be included in these files only
only_in() {
	pattern=$1
	shift
	: >"$scratch/found"
	grep -rlE "^#include [<\"]$pattern" broker protocol daemon libclient ctl examples |
		while read -r file; do
			fine=no
			for allowed in "$@"; do
				case $file in
				# shellcheck disable=SC2254 # a pattern it is
				$allowed) fine=yes ;;
				esac
			done
			[ $fine = yes ] || echo "$file includes $pattern"
		done >"$scratch/found"
	result "$pattern is included only in: $*"
}

includes broker/model broker/model/
includes broker/probe broker/model/ broker/probe/
includes broker/solver broker/model/ broker/solver/
includes broker/heap broker/model/ broker/heap/
includes protocol broker/model/ protocol/
includes daemon broker/model/ broker/broker.h broker/quota.h protocol/ daemon/ introspect-xml.h
includes libclient broker/model/ broker/broker.h broker/solver/solve.h protocol/ libclient/ dmabroker.h dmabroker-kms.h dmabroker-v4l2.h
includes ctl ctl/ dmabroker.h broker/probe/quirks.h
includes examples examples/ dmabroker.h
only_in 'dbus/' protocol/wire.[ch] 'daemon/bus*.c' 'daemon/methods*.c' 'libclient/client*'
only_in 'broker/broker.h' 'broker/*' 'daemon/*' 'libclient/inprocess*'
only_in 'broker/solver/' 'broker/solver/*' broker/allocation.[ch] broker/negotiation.c libclient/offline.c
only_in 'broker/probe/quirks.h' 'broker/probe/*' broker/broker.c ctl/quirks.c
only_in 'ini.h' broker/probe/quirks-read.c
only_in 'libudev' 'broker/probe/*'
only_in '(xf86drm|drm)' 'broker/probe/*' 'broker/heap/*' libclient/kms.c 'examples/*'
only_in 'json' 'ctl/*'
only_in '(va/|dmabroker-va)' libclient/va.c examples/va-surface.c
only_in '(wayland-|linux-dmabuf|xdg-shell|dmabroker-wayland)' 'libclient/wayland*' examples/wayland-buffer.c
only_in '(gvc|cgraph)' ctl/svg.c
only_in 'pthread' daemon/worker.c

for page in vocabulary.md limits.md formats.md dmabroker-protocol.7.scd machine-file.md machine.schema.json; do
	"$reference" $page | diff "docs/$page" - >"$scratch/found" 2>&1
	result "docs/$page is what the code says (tests/lint/reference $page >docs/$page)"
done

# every exported symbol is in a header and the other way round
headers='include/dmabroker.h include/dmabroker-kms.h include/dmabroker-v4l2.h'
# shellcheck disable=SC2086 # words
grep -hA1 '^DMABROKER_API' $headers | grep -o 'dmabroker_[a-z0-9_]*(' | tr -d '(' |
	sort -u >"$scratch/declared"
nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u \
	>"$scratch/exported"
diff "$scratch/declared" "$scratch/exported" >"$scratch/found"
[ -s "$scratch/exported" ] || echo "nothing is exported" >>"$scratch/found"
result "the library exports what the headers declare ($(wc -l <"$scratch/exported") functions)"
nm -D --defined-only "$library" | grep ' T ' | grep -v '@@DMABROKER_1.0$' >"$scratch/found"
result "every exported function has a version node"

# what whoever links it statically would need
readelf -d "$library" | sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*/\1/p' | grep -v '^c$' | sort >"$scratch/needed"
for package in $(PKG_CONFIG_PATH=$(dirname "$library")/../meson-private pkg-config --print-requires-private libdmabroker |
	cut -d ' ' -f 1); do
	pkg-config --libs-only-l "$package" | tr ' ' '\n' | sed -n 's/^-l//p'
done | sort >"$scratch/required"
diff "$scratch/needed" "$scratch/required" >"$scratch/found"
[ -s "$scratch/needed" ] || echo "the library needs nothing" >>"$scratch/found"
result "the library needs what its pkg-config file says: $(tr '\n' ' ' <"$scratch/needed")"

for header in $headers; do
	"$compiler" -std=c99 -pedantic -Wall -Wextra -Werror -x c -fsyntax-only "$header" \
		>"$scratch/found" 2>&1
	result "$header compiles as C99"
	"$compiler" -Wall -Wextra -Werror -x c++ -fsyntax-only "$header" >"$scratch/found" 2>&1
	result "$header compiles as C++"
done

# each helper library by itself: its header, the C of its part of docs/helpers.md ("```c NAME"), what it
# exports, and that libdmabroker does without the libraries that it needs
for helper in $helpers; do
	name=${helper##*/libdmabroker-}
	name=${name%%.*}
	header=dmabroker-$name.h
	"$compiler" -std=c99 -pedantic -Wall -Wextra -Werror -Iinclude -x c -fsyntax-only "include/$header" \
		>"$scratch/found" 2>&1
	result "$header compiles as C99"
	"$compiler" -Wall -Wextra -Werror -Iinclude -x c++ -fsyntax-only "include/$header" >"$scratch/found" 2>&1
	result "$header compiles as C++"

	{
		echo '#include <stdio.h>'
		echo "#include <$header>"
		sed -n "/^\`\`\`c $name\$/,/^\`\`\`\$/p" docs/helpers.md | grep -v '^```'
	} >"$scratch/page.c"
	"$compiler" -std=c11 -Wall -Wextra -Werror -Wno-unused-function -Iinclude -fsyntax-only \
		"$scratch/page.c" >"$scratch/found" 2>&1
	grep -q "dmabroker_${name}_declare" "$scratch/page.c" || echo "there is none" >>"$scratch/found"
	result "the C of docs/helpers.md for $name compiles"

	grep -A1 '^DMABROKER_API' "include/$header" | grep -o 'dmabroker_[a-z0-9_]*(' | tr -d '(' |
		sort -u >"$scratch/declared"
	nm -D --defined-only "$helper" | awk '$2 == "T" { print $3 }' | sort -u >"$scratch/versions"
	sed 's/@.*//' "$scratch/versions" | diff "$scratch/declared" - >"$scratch/found"
	[ -s "$scratch/versions" ] || echo "nothing is exported" >>"$scratch/found"
	grep -v "@@DMABROKER_$(echo "$name" | tr a-z A-Z)_1.0\$" "$scratch/versions" >>"$scratch/found"
	result "libdmabroker-$name exports what $header declares, with a version node"

	: >"$scratch/found"
	readelf -d "$helper" | grep -q "NEEDED.*\[lib$name" || echo "$helper does not" >>"$scratch/found"
	readelf -d "$library" | grep "NEEDED.*\[lib$name" >>"$scratch/found"
	result "libdmabroker-$name needs lib$name, and libdmabroker does not"
done

grep -n '^#include "' libclient/va.c libclient/wayland*.[ch] libclient/helper.h |
	grep -vE '"libclient/(helper|wayland)\.h"' >"$scratch/found"
result "the helper libraries know libdmabroker by its public header only"

# compiles PAGE FUNCTION: the page's C, as the body of a function; it must call FUNCTION
compiles() {
	{
		echo '#include <stdio.h>'
		for header in $headers; do
			echo "#include \"${header#include/}\""
		done
		echo 'int commit(int card_fd, uint32_t framebuffer);'
		echo 'void page(struct dmabroker *, struct dmabroker_collection *, struct dmabroker_buffer *, int, int);'
		echo 'void page(struct dmabroker *broker, struct dmabroker_collection *collection,'
		echo 'struct dmabroker_buffer *buffer, int camera_fd, int card_fd) {'
		echo '(void)broker, (void)collection, (void)buffer, (void)camera_fd, (void)card_fd;'
		sed -n '/^```c$/,/^```$/p' "$1" | sed 's/^```c$/{/; s/^```$/}/'
		echo '}'
	} >"$scratch/page.c"
	"$compiler" -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$scratch/page.c" >"$scratch/found" 2>&1
	grep -q "$2(" "$scratch/page.c" || echo "there is none" >>"$scratch/found"
	result "the C of $1 compiles"
}
compiles README.md dmabroker_allocate
compiles docs/helpers.md dmabroker_kms_end_flip

# git knows what is ours; in an archive without it all is, but for what was built
files=$(git ls-files --cached --others --exclude-standard 2>/dev/null ||
	find . -type f ! -path './build*' ! -path './demo-out/*')
for file in $files; do
	case $file in
	*.c | *.h | *.sh | *.build | *.scd | *.rules | *.service | *.conf | .ci/run)
		[ -e "$file" ] || continue
		head -n 5 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
		;;
	esac
done >"$scratch/found"
result "every source file says its licence"

: >"$scratch/found"
for file in $(echo "$files" | grep '\.[ch]$'); do
	[ -e "$file" ] || continue
	clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || echo "$file"
done >"$scratch/found"
result "every C file has the project's format"

echo "1..$number"
