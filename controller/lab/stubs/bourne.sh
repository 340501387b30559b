#!/bin/sh
# /bin/sh of a lab host of old: plays a Bourne shell. No real one is to be had as a package, so it reads what it is given for words
# that a Bourne shell does not know, refuses them as that does, and lets a POSIX shell carry out the rest.
nl='
'
fail_at() { # line number
    echo "${0##*/}: syntax error at line $1: \`(' unexpected" >&2
    exit 2
}

# Command and arithmetic substitution, cutting and counting of values, values with export, negation, newer tests and commands.
is_newer() { # line
    case ${1#"${1%%[![:blank:]]*}"} in
        '#'*) return 1 ;;
    esac
    # shellcheck disable=SC2016 # as written
    case " $1" in
        *'$('* | *'${#'* | *'${'[!'}']*'%'*'}'* | *'${'[!'}']*'#'*'}'* | *'${'[!'}']*'/'*'}'*) return 0 ;;
        *'[['* | *' export '*=* | *' ! '* | *'[ -e '* | *'test -e '* | *' -O '* | *' -nt '* | *' -ot '*) return 0 ;;
        *' local '* | *' command '* | *' print '* | *' function '* | *' read -r'* | *' alias '* | *' set -C'* | *'=~/'*) return 0 ;;
        *) return 1 ;;
    esac
}

check_lines() {
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        ! is_newer "$line" || fail_at "$number"
        [ -z "$keep" ] || text=$text$line$nl
    done
}

keep=
text=
case ${1-} in
    -c)
        check_lines <<EOT
${2-}
EOT
        ;;
    -s | '')
        # A line at a time, as it comes: what stands after a word it does not know is never read.
        keep=1
        check_lines
        [ "${1-}" != -s ] || shift
        [ "${1-}" != -- ] || shift
        exec @shell@ -c "$text" sh "$@"
        ;;
    *)
        check_lines <"$1"
        ;;
esac
exec @shell@ "$@"
