# Owns: the one command that a login without privileges may run as root. It runs the agent of one digest and no other text.
# `ipsec-deploy privileges` puts a first line and the ENTRY_ values before this, and the loader after it.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

OTHER_VERSION='the entry on this host is for another version; install what ipsec-deploy privileges prints now'

entry_refused() { # text
    echo "ipsec-deploy-agent refused code=entry text=$1"
    exit 1
}

# As the login's user, where its key has this as its forced command: what was asked for is looked at, and none of it is run.
if [ "${1-}" = forced ]; then
    entry_mode=
    case ${SSH_ORIGINAL_COMMAND-} in
        "$ENTRY_BECOME$ENTRY_PATH $ENTRY_DIGEST") ;;
        "$ENTRY_BECOME$ENTRY_PATH $ENTRY_DIGEST readonly") entry_mode='readonly' ;;
        "$ENTRY_BECOME$ENTRY_PATH "*)
            entry_refused "$OTHER_VERSION"
            ;;
        *) entry_refused 'this key may only talk to the agent, through ssh.entry' ;;
    esac
    # shellcheck disable=SC2086 # words: pfexec, or sudo and its option
    exec $ENTRY_BECOME "$ENTRY_PATH" "$ENTRY_DIGEST" $entry_mode
fi

# Nothing of the caller's environment comes along: pfexec hands over all of it. A caller can give this file another name by a
# link of his own, and so choose $0, but no file can be run by a name below /dev/null.
if [ "$0" != /dev/null/ipsec-deploy-entry ]; then
    # On Solaris 10 and before /bin/sh is a Bourne shell; up to here all is in words of both.
    test ! -x /usr/xpg4/bin/sh || ENTRY_SHELL=/usr/xpg4/bin/sh
    # shellcheck disable=SC2016 # for the inner shell
    exec /usr/bin/env -i PATH=/usr/bin:/bin "$ENTRY_SHELL" -c '. "$1" && exit' /dev/null/ipsec-deploy-entry "$ENTRY_PATH" "$@"
fi
shift
case ${2-} in
    '' | readonly) ;;
    *) entry_refused 'not understood' ;;
esac
[ "${1-}" = "$ENTRY_DIGEST" ] ||
    entry_refused "$OTHER_VERSION"
NO_COLLECT=$ENTRY_NO_COLLECT
# The dead-man finds it in its environment.
if [ -n "$ENTRY_ROOT" ]; then
    IPSEC_AGENT_ROOT=$ENTRY_ROOT
    export IPSEC_AGENT_ROOT
fi
