# Owns: where the agent begins: what every part uses, and which request goes where.
# Sourced by the loader for a session; run as `sh FILE boot` by the boot guard and as `sh FILE deadman ID TOKEN` by itself.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

umask 077
# As in the loader: the boot guard comes in here, and may be started by hand.
set +aCefuvx
unset COLUMNS PS_FORMAT PS_PERSONALITY QUOTING_STYLE TIME_STYLE ENV BASH_ENV
# shellcheck disable=SC3045 # every shell we know has -c; no core of ours may ever hold a key
ulimit -c 0 2>/dev/null
# A login's limits are not for what takes back.
ulimit -f unlimited 2>/dev/null
# shellcheck disable=SC3045 # every shell we know has -t
ulimit -t unlimited 2>/dev/null
LC_ALL=C
ROOT=${IPSEC_AGENT_ROOT-}
STATE=$ROOT/var/ipsec-deploy
TX=$STATE/tx
GENERATIONS=$STATE/generations
# Staged files stand here, on the file system of their places, so that a rename is all that is left to do.
NEW=$ROOT/etc/inet/.ipsec-deploy
PATH=/usr/xpg4/bin:/usr/bin:/usr/sbin:/sbin:/bin:/usr/lib/inet
# Where both are there, /bin/sh may be a Bourne shell, which cannot read this.
AGENT_SHELL=/bin/sh
[ ! -x "$ROOT/usr/xpg4/bin/sh" ] || AGENT_SHELL=$ROOT/usr/xpg4/bin/sh
if [ -n "$ROOT" ]; then
    PATH=$ROOT/usr/sbin:$ROOT/usr/bin:$ROOT/usr/lib/inet:$PATH
    AGENT_SHELL=${IPSEC_AGENT_SHELL:-$AGENT_SHELL}
fi
export LC_ALL PATH
nl='
'
MARK=
NOW=
NOW_ISO=
STATE_MODE_SEEN=
# Set by the loader for a session that may only look.
READONLY=${READONLY-}

is_number() { # text
    case $1 in
        '' | *[!0-9]* | 0?* | ???????????*) return 1 ;;
    esac
}

is_name() { # text
    case $1 in
        '' | -* | .* | *[!A-Za-z0-9._-]*) return 1 ;;
    esac
    [ "${#1}" -le 100 ]
}

# NOW, NOW_ISO := the time.
take_time() {
    taken_time=$(awk -v job=time "$AWK_IPSEC")
    # Without one, the last that is known; a line of the history has one in any case.
    case $taken_time in
        *' '*) set_time "$taken_time" ;;
        *) [ -n "$NOW" ] || set_time '0 1970-01-01T00:00:00Z' ;;
    esac
}

set_time() { # seconds iso
    NOW=${1%% *}
    NOW_ISO=${1#* }
}

# The state folder is for our eyes only. An observation in this session has seen its mode by the way.
check_state_mode() {
    [ -z "$STATE_MODE_SEEN" ] || return 0
    case $(ls -ldn "$STATE") in
        drwx------*) return 0 ;;
    esac
    REFUSAL="$STATE is open to other users; look what they put there, then chmod 700 it"
    return 1
}

# WORD := what the command line of a process of ours begins to say where every `ps` still shows it.
set_word() { # digest
    WORD=${1%"${1#????????????}"}
}

# Value of a field among the words of a request.
field() { # name word ...
    field_name=$1
    shift
    FIELD=
    for field_word in "$@"; do
        case $field_word in
            "$field_name="*) FIELD=${field_word#*=} ;;
        esac
    done
}

handle() { # word ...
    request=$1
    shift
    # What the loader saw on its way in is only good for an observation that comes at once.
    case $request in
        observe | drift) ;;
        *) LOADER_DIGESTS= ;;
    esac
    if [ "$request.${NO_COLLECT-}" = collect.1 ]; then
        say_error 'this login may not read whole key files'
        return
    fi
    case $READONLY.$request in
        1.transaction | 1.confirm | 1.extend | 1.abort)
            [ "$request" != transaction ] || skip_block
            say_error 'this session only looks at the host'
            return
            ;;
    esac
    case $request in
        observe) observe ;;
        drift) drift ;;
        read)
            field path "$@"
            read_file "$FIELD"
            ;;
        fingerprints)
            field salt "$@"
            request_second=$FIELD
            field path "$@"
            fingerprints "$FIELD" "$request_second"
            ;;
        collect)
            field path "$@"
            collect "$FIELD"
            ;;
        surroundings) surroundings ;;
        probe) probe "$@" ;;
        counters)
            field among "$@"
            counters "$FIELD"
            ;;
        transaction) transaction "$@" ;;
        confirm | extend)
            field nonce "$@"
            [ "$request" = confirm ] || field seconds "$@"
            request_second=$FIELD
            field id "$@"
            "$request" "$FIELD" "$request_second"
            ;;
        abort)
            field id "$@"
            abort "$FIELD"
            ;;
        status)
            field id "$@"
            status "$FIELD"
            ;;
        generation)
            field number "$@"
            generation "$FIELD"
            ;;
        *) say_error 'no such request' ;;
    esac
}

# The conversation. A lost connection does not stop a step: its transaction is confirmed or taken back later.
serve() {
    trap '' HUP PIPE
    # Where the loader had the agent itself come in here, the controller is elsewhere.
    [ -z "${STDIN_KEPT-}" ] || exec <&3 3<&-
    put 'ipsec-deploy-agent ready protocol=1'
    while IFS= read -r request_line; do
        set -f
        # shellcheck disable=SC2086 # the words of the request; no pattern in them is expanded
        set -- $request_line
        set +f
        case ${1-} in
            '') ;;
            bye) break ;;
            session)
                field mark "$@"
                is_name "$FIELD" && MARK=$FIELD
                ;;
            *)
                [ -n "$MARK" ] || break
                handle "$@"
                ;;
        esac
    done
    exit 0
}

find_digest_tool
choose_platform
if [ "${1-}" = serve ] && [ -n "${AGENT-}" ] && [ -n "${DIGEST-}" ]; then
    set_word "$DIGEST"
    serve
fi
READONLY=
LOADER_DIGESTS=
AGENT=$0
DIGEST=${0##*/}
WORD=agent/boot
case ${1-} in
    boot)
        boot
        ;;
    deadman)
        set_word "$DIGEST"
        deadman_own=${2-}
        deadman_token=${3-}
        deadman_slept=${4-0}
        deadman_begun=${5-0}
        deadman_left=
        if is_name "$deadman_own" && is_name "$deadman_token" && is_number "$deadman_slept" && is_number "$deadman_begun"; then
            # Not inside a function, where some Korn shells would keep it for that function.
            trap 'begin_anew "$deadman_own" "$deadman_token"' 0
            deadman "$deadman_own" "$deadman_token"
        fi
        ;;
    *)
        put 'the agent is run by ipsec-deploy' >&2
        exit 1
        ;;
esac
#@end
