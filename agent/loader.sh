# Owns: the first words on a connection. Finds the agent on the host by its digest, or asks for it, checks it and becomes it.
# Sent on the standard input of `/bin/sh -s -- DIGEST [readonly]`; nothing follows the last line until a greeting was printed.
# shellcheck shell=sh disable=SC2030,SC2031,SC2034,SC2154 # the parts are one script and share their variables

umask 077
# The login's environment may come with options of the shell (SHELLOPTS of bash: a trace would tell keys), make `ps` cut its
# lines short, so that nobody of ours is known by his, and have `ls` write otherwise.
set +aCefuvx
unset COLUMNS PS_FORMAT PS_PERSONALITY QUOTING_STYLE TIME_STYLE ENV BASH_ENV
LC_ALL=C
ROOT=${IPSEC_AGENT_ROOT-}
STATE=$ROOT/var/ipsec-deploy
PATH=/usr/xpg4/bin:/usr/bin:/usr/sbin:/sbin:/bin:/usr/lib/inet
[ -z "$ROOT" ] || PATH=$ROOT/usr/sbin:$ROOT/usr/bin:$ROOT/usr/lib/inet:$PATH
export LC_ALL PATH
trap '' HUP PIPE
nl='
'

leave_refused() { # text [code]
    echo "ipsec-deploy-agent refused${2:+ code=$2} text=$1"
    exit 1
}

# A folder of ours: a real one, owned by the user who runs this. Another user's, or a link, was put there to be written through.
check_folder() { # folder
    [ ! -h "$1" ] || leave_refused "$1 is a symbolic link; look who made it, then remove it"
    [ -d "$1" ] || leave_refused "$1 is not a folder; look who made it, then remove it"
    [ -O "$1" ] || leave_refused "$1 belongs to another user; look who made it, then remove it"
}

# Its mode as well; costs a process, so only where the folder was just made or is about to be written to.
check_state_folder() {
    check_folder "$STATE"
    set -f
    # shellcheck disable=SC2046 # the words of one line of ls
    set -- $(ls -ldn "$STATE")
    set +f
    case ${1-} in
        drwx------*) ;;
        *) leave_refused "$STATE is open to other users (${1-no mode}); look what they put there, then chmod 700 it" ;;
    esac
    check_folder "$STATE/agent"
}

# Words of the command that prints SHA-256 digests of its operands, each with its file name.
find_digest_tool() {
    if command -v sha256sum >/dev/null; then
        SHA256=sha256sum
    elif command -v digest >/dev/null; then
        SHA256='digest -v -a sha256'
    else
        leave_refused 'neither sha256sum nor digest is on this host'
    fi
}

# Whether the stored agent is the one asked for. Digests of the managed files come with it, for the first observation.
stored_agent_fits() { # digest
    AGENT=$STATE/agent/$1
    if [ ! -f "$AGENT" ] || [ -h "$AGENT" ] || [ ! -O "$AGENT" ]; then
        return 1
    fi
    set -- "$1" "$AGENT"
    for file in "$STATE/agent/boot" "$ROOT/etc/inet/ipsecinit.conf" "$ROOT/etc/inet/secret/ipseckeys" \
        "$ROOT/etc/inet/ike/config" "$ROOT/etc/inet/secret/ike.preshared"; do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
    wanted=$1
    shift
    take_digests "$@"
    case "$LOADER_DIGESTS" in
        "$wanted  $AGENT"* | "sha256 ($AGENT) = $wanted"*) return 0 ;;
        *) return 1 ;;
    esac
}

# LOADER_DIGESTS := digests of the files. ksh93 makes a temporary file of what a command substitution captures, so there
# it is read from a pipe, whose end that shell runs itself.
# shellcheck disable=SC2086 # the words of the command
take_digests() { # file ...
    case ${KSH_VERSION-} in
        *93* | *2020*)
            LOADER_DIGESTS=
            $SHA256 "$@" 2>/dev/null | while IFS= read -r digest_line; do
                LOADER_DIGESTS=$LOADER_DIGESTS$digest_line$nl
            done
            ;;
        *) LOADER_DIGESTS=$(exec $SHA256 "$@" 2>/dev/null) ;;
    esac
}

# AGENT_TEXT := the agent, for a session that writes nothing: it stays in memory.
hear_agent() { # digest
    echo 'ipsec-deploy-agent need'
    case ${KSH_VERSION-} in
        *93* | *2020*)
            AGENT_TEXT=
            sed '/^#@end$/q' | while IFS= read -r agent_line; do
                AGENT_TEXT=$AGENT_TEXT$agent_line$nl
            done
            AGENT_TEXT=${AGENT_TEXT%"$nl"}
            put_agent | $SHA256 | read -r agent_sum
            ;;
        *)
            AGENT_TEXT=$(sed '/^#@end$/q')
            agent_sum=$(put_agent | $SHA256)
            ;;
    esac
    case $agent_sum in
        *"$1"*) ;;
        *) leave_refused 'the agent did not arrive as it was sent' ;;
    esac
}

# From memory. ksh93 makes a temporary file of a long text to `eval`, and none of what it reads from a pipe; what the
# controller says then waits on descriptor 3.
become_agent() { # serve
    case ${KSH_VERSION-} in
        *93* | *2020*)
            STDIN_KEPT=1
            exec 3<&0
            # shellcheck disable=SC1091 # the text was just checked against its digest
            put_agent | . /dev/fd/0
            ;;
        *) eval "$AGENT_TEXT" ;;
    esac
    exit
}

# Not `printf` in mksh and ksh88, where it is a process whose arguments everybody may read. Every Korn shell knows `whence`.
put_agent() {
    if command -v whence >/dev/null 2>&1; then
        # shellcheck disable=SC2039,SC3045 # every Korn shell has print
        print -r -- "$AGENT_TEXT"
    else
        printf '%s\n' "$AGENT_TEXT"
    fi
}

receive_agent() { # digest
    echo 'ipsec-deploy-agent need'
    for folder in "$STATE" "$STATE/agent" "$STATE/generations"; do
        [ -d "$folder" ] || mkdir -p "$folder" || leave_refused "could not make $folder"
    done
    check_state_folder
    rm -f "$STATE/agent/new.$$" "$STATE/agent/$1"
    sed '/^#@end$/q' >"$STATE/agent/new.$$" || leave_refused "could not write to $STATE; is the disk full?"
    chmod 0700 "$STATE/agent/new.$$"
    mv -f "$STATE/agent/new.$$" "$STATE/agent/$1"
    if ! stored_agent_fits "$1"; then
        rm -f "$STATE/agent/$1"
        leave_refused 'the agent did not arrive as it was sent'
    fi
}

# Nothing of the state folder is run unless all of it is ours; what is wrong with it is for the check to tell.
stored_agent_is_safe() { # digest
    [ ! -h "$STATE" ] && [ -d "$STATE" ] && [ -O "$STATE" ] && stored_agent_fits "$1"
}

load() { # digest [readonly]
    READONLY=
    STDIN_KEPT=
    case $1 in
        '') leave_refused 'it was started without its arguments: a forced command (ForceCommand in sshd_config, command= in authorized_keys) stands in the way' ;;
        *[!0-9a-f]*) leave_refused 'the digest of the agent is not hexadecimal' ;;
    esac
    [ "${#1}" -eq 64 ] || leave_refused 'the digest of the agent is not of 64 digits'
    [ -O "$ROOT/" ] || leave_refused 'this needs the privileges of root (ssh.privilege in the inventory)' privilege
    find_digest_tool
    DIGEST=$1
    if [ "${2-}" = readonly ]; then
        READONLY=1
        if ! stored_agent_is_safe "$1"; then
            LOADER_DIGESTS=
            AGENT=none
            hear_agent "$1"
            become_agent serve
        fi
        set -- serve
        # shellcheck disable=SC1090 # the file was just checked against its digest
        . "$AGENT"
        exit
    fi
    if [ -d "$STATE" ] || [ -h "$STATE" ]; then
        check_folder "$STATE"
    fi
    stored_agent_fits "$1" || receive_agent "$1"
    set -- serve
    # shellcheck disable=SC1090 # the file was just checked against its digest
    . "$AGENT"
    exit
}

load "${1-}" "${2-}"
