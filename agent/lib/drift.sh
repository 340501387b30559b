# Owns: `drift`: all that a check of drift wants to know, in one answer and without a change: what is half done stays so,
# and no file is made, not even a shell's own for what it captures. So the shell asks only itself; awk asks the host's tools.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# More than this is one finding, not many.
DRIFT_MOST_LEFTOVERS=100

drift() {
    begin_section drift
    find_missing_tools
    if [ -n "$MISSING" ]; then
        say 'fact name=platform text=unknown'
        say "fact name=missing text=$MISSING"
    else
        say "fact name=platform text=$PLATFORM"
    fi
    find_current
    say_current
    drift_current=$CURRENT
    drift_settled=yes
    [ ! -d "$TX" ] || drift_settled=no
    drift_transaction
    begin_section spd
    ipsecconf "$LISTING" 2>&1
    end_section spd "$?"
    drift_look
    LOADER_DIGESTS=
    # One may have begun, or come and gone, while we looked.
    find_current
    if [ -d "$TX" ] || [ "$CURRENT" != "$drift_current" ]; then
        drift_settled=no
    fi
    say "fact name=settled text=$drift_settled"
    end_section drift
}

# T_... := the open transaction, and drift_keepers the processes that should be there for it: `name pid word` each.
drift_transaction() {
    drift_keepers=
    forget_transaction
    if [ -f "$TX/about" ] && read_transaction; then
        add_keeper agent "$T_AGENT" "$T_WORD"
        if [ -s "$TX/deadman" ]; then
            read -r drift_pid drift_word <"$TX/deadman"
            add_keeper deadman "$drift_pid" "$drift_word"
        fi
        read_ender
        add_keeper ender "$ender_pid" "$ender_word"
    fi
    if [ -s "$STATE/lock" ]; then
        read -r drift_run drift_pid drift_word drift_rest <"$STATE/lock"
        add_keeper holder "$drift_pid" "$drift_word"
    fi
    if ! transaction_is_open; then
        T_ID=
        [ ! -d "$TX" ] || say 'fact name=unarmed text=yes'
    fi
}

add_keeper() { # name pid word
    if is_number "$2" && [ "$2" != $$ ] && is_name "${3##*/}"; then
        drift_keepers="$drift_keepers $1 $2 $3"
    fi
}

# Finds the files to tell of and hands them to the one awk that tells the rest.
drift_look() {
    set --
    for drift_path in "$STATE"/* "$STATE"/.[!.]* "$STATE"/agent/* "$GENERATIONS"/* "$NEW" "$NEW"/* "$NEW"/.[!.]* \
        "$ROOT"/etc/inet/ipsecinit.conf?* "$ROOT"/etc/inet/ike/config?* \
        "$ROOT"/etc/inet/secret/ipseckeys?* "$ROOT"/etc/inet/secret/ike.preshared?*; do
        if [ ! -e "$drift_path" ] && [ ! -h "$drift_path" ]; then
            continue
        fi
        drift_name=${drift_path##*/}
        leftover_kind "$drift_path" "$drift_name" || continue
        [ $# -lt "$DRIFT_MOST_LEFTOVERS" ] || continue
        case $drift_name in
            *[!A-Za-z0-9._~#+-]*) say_leftover "${drift_path%"$drift_name"}?" ;;
            *)
                say_leftover "$drift_path"
                set -- "$@" "$drift_path"
                ;;
        esac
    done
    # Whoever opens a pipe that somebody put in a file's place waits for ever: such are listed, and never opened.
    drift_odd=' '
    for drift_name in $MANAGED; do
        path_of "$drift_name"
        if [ -e "$FILE" ] || [ -h "$FILE" ]; then
            set -- "$@" "$FILE"
            [ -f "$FILE" ] || drift_odd="$drift_odd${FILE#"$ROOT"} "
        fi
    done
    if [ -e "$STATE" ] || [ -h "$STATE" ]; then
        set -- "$@" "$STATE"
    fi
    drift_manifest=
    [ "$CURRENT" = none ] || drift_manifest=$GENERATIONS/$CURRENT/manifest
    # Where illumos's tools are, its `ls` is; where that is wrong it costs a process.
    drift_ls='-ldn --full-time'
    [ ! -d /usr/xpg4/bin ] || drift_ls=-dnE
    drift_limit=
    ! command -v timeout >/dev/null || drift_limit='timeout 20 '
    path_of ipseckeys
    drift_keys=$FILE
    [ -f "$FILE" ] || drift_keys=/dev/null/none
    path_of config
    [ -f "$FILE" ] || FILE=/dev/null/none
    DRIFT_DIGESTS=$LOADER_DIGESTS DRIFT_GUARD=$GUARD_TEXT TZ=UTC0 awk -v job=drift -v mark="$MARK" -v root="$ROOT" \
        -v state="$STATE" -v digest="$SHA256" -v agent="$DIGEST" -v keys="$drift_keys" -v config="$FILE" -v odd="$drift_odd" \
        -v manifest="$drift_manifest" -v tx_id="$T_ID" -v tx_state="${T_STATE-}" -v tx_step="$T_STEP" \
        -v tx_generation="$T_GENERATION" -v armed="$T_ARMED" -v window="$T_WINDOW" -v keepers="$drift_keepers" \
        -v ls_options="$drift_ls" -v limit="$drift_limit" -v guard_file="$GUARD_FILE" -v guard_link="${GUARD_LINK-}" -v ike="$IKE" -v services="$POLICY $MANUAL_KEY $IKE $GUARD" \
        "$AWK_IPSEC$nl$AWK_DRIFT" "$ROOT/" "$@"
}

say_leftover() { # path
    say "leftover kind=$LEFTOVER text=${1#"$ROOT"}"
}

# LEFTOVER := what a file is that does not belong where it is; status 1 for one that does. An agent is told of by the way.
leftover_kind() { # path name
    case $1 in
        "$NEW" | "$NEW"/*)
            LEFTOVER=staged
            [ ! -e "$TX" ]
            ;;
        "$STATE"/agent/*)
            LEFTOVER=state
            case $2 in
                boot | boot-guard.xml) return 1 ;;
                *[!0-9a-f]*) return 0 ;;
            esac
            [ "${#2}" -eq 64 ] || return 0
            say "agent digest=$2"
            return 1
            ;;
        "$GENERATIONS"/*)
            LEFTOVER=state
            if is_number "$2" && [ -f "$1/confirmed" ]; then
                return 1
            fi
            # Those of a transaction that is open or being made.
            [ ! -e "$TX" ]
            ;;
        "$STATE"/*)
            LEFTOVER=state
            case $2 in
                agent | generations | history | tx | lock) return 1 ;;
            esac
            ;;
        *.sample) return 1 ;;
        *) LEFTOVER=copy ;;
    esac
}
