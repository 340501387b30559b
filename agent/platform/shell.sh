# Owns: which shell carries on. Where /bin/sh is a Bourne shell (Solaris 10 and before) the boot guard is started by one all the
# same, and a script is carried out while it is read: what stands here is in the words of both.
# shellcheck shell=sh disable=SC2154 # IPSEC_AGENT_ROOT is the lab's
if test "$1" = boot && test "$2" != posix && test -x "$IPSEC_AGENT_ROOT/usr/xpg4/bin/sh"; then
    exec "$IPSEC_AGENT_ROOT/usr/xpg4/bin/sh" "$0" boot posix
fi
