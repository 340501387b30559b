#!/bin/sh
# ShellCheck and shfmt over every shell file of the project; a missing tool is a failure that names its package.
set -eu
for tool in shellcheck shfmt; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "$tool is missing: install the package $tool" >&2
        exit 1
    fi
done
files=$(git ls-files -co --exclude-standard -- '*.sh' .ci/run)
# shellcheck disable=SC2086 # the project's own paths hold no blanks
shellcheck $files
# shellcheck disable=SC2086
shfmt -i 4 -ci -d $files
# shellcheck disable=SC2086
set -- $files
echo "shell: $# files checked"
