#!/bin/sh
# Hands one call of a simulated command to the lab and prints the answer. Installed in each lab host under every command's name.
# Builtins only, so that a call costs one process; large answers and standard input cost a `cat`.
#
# Beside the host's root lies the bridge, whose path the lab puts in: `request` takes a line a call, N.reply brings the answer of slot N to the one who holds
# N.lock, and `wake` lets one waiting caller try again. Only the lab removes locks: when told, or when their owner is gone.
# @us@ stands for the unit separator, which the lab puts in.
umask 077
tool=${0##*/}
bridge=@bridge@
nl='
'

# mksh has no printf of its own.
if [ -z "${KSH_VERSION-}" ]; then
    say() { printf '%s' "$1"; }
else
    # shellcheck disable=SC2039,SC3045
    say() { print -rn -- "$1"; }
fi

claim() {
    for candidate in 1 2 3 4 5 6 7 8; do
        # In a function yash keeps the loop's own variable to itself.
        slot=$candidate
        { echo "$$" >"$bridge/$slot.lock"; } 2>/dev/null && return 0
    done
    return 1
}

if ! [ -p "$bridge/request" ]; then
    echo "$tool: the lab host is switched off" >&2
    exit 127
fi
exec 4>"$bridge/request"
set -C
until claim; do
    say "w@us@$$$nl" >&4
    read -r _ <"$bridge/wake"
done
id=$slot.$$

input=
case $tool.${1-}.$* in
    ipsecconf.*\ - | ipsecconf.*\ -\ * | ipseckey.. | ikeadm.. | svccfg.. | svccfg.*-f\ - | ikecert.*\ -a*)
        cat >|"$bridge/$slot.in"
        input=i
        ;;
esac

call=$input@us@$tool@us@$PWD@us@${SMF_FMRI-}
for word in "$@"; do
    call=$call@us@$word
done
# A line up to PIPE_BUF goes in one piece; `${#}` may count characters, of up to four bytes.
case ${#call}.$call in
    ????*."$call" | *"$nl"*)
        say "$call" >|"$bridge/$slot.call"
        say "f@us@$id$nl" >&4
        ;;
    *) say "c@us@$id@us@$call$nl" >&4 ;;
esac

status=
out=
err=
outfile=
errfile=
while IFS= read -r line; do
    case $line in
        "$id o"*) out=$out${line#"$id o"}$nl ;;
        "$id O"*) out=$out${line#"$id O"} ;;
        "$id e"*) err=$err${line#"$id e"}$nl ;;
        "$id E"*) err=$err${line#"$id E"} ;;
        "$id f"*) outfile=$bridge/$slot.out ;;
        "$id F"*) errfile=$bridge/$slot.err ;;
        "$id x"*)
            status=${line#"$id x"}
            break
            ;;
    esac
done <"$bridge/$slot.reply"
if [ -z "$status" ]; then
    echo "$tool: the lab went away" >&2
    exit 127
fi

[ -z "$outfile" ] || exec 5<"$outfile"
[ -z "$errfile" ] || exec 6<"$errfile"
# From here on the slot is another's.
say "d@us@$id$nl" >&4
exec 4>&-
if [ -n "$errfile" ]; then cat <&6 >&2; elif [ -n "$err" ]; then say "$err" >&2; fi
if [ -z "$outfile" ]; then
    [ -z "$out" ] || say "$out"
elif [ "$status" = 0 ]; then
    exec cat <&5
else
    cat <&5
fi
exit "$status"
