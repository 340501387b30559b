# Owns: policy, SAs and the IKE daemon on hosts without IPsec services (Solaris 8, 9 and early 10): commands, and init scripts at boot.
# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # the parts are one script and share their variables and functions

use_solaris_legacy() {
    PLATFORM=solaris-legacy
    LISTING=-ln
    # /usr and /var are there by then, and policy is loaded no earlier than by rc2.d/S69inet.
    GUARD_FILE=$ROOT/etc/init.d/ipsec-deploy-guard
    GUARD_LINK=$ROOT/etc/rcS.d/S88ipsec-deploy-guard
    GUARD_TEXT=$BOOT_GUARD_INIT

    # MISSING := the commands of this platform that the host does not have. Without IKE a host may do: Solaris 8 has none.
    find_missing_tools() {
        MISSING=
        for tool in ipsecconf ipseckey awk sed ls cp mv rm ln mkdir chmod chown cat cmp ps pgrep uname nohup sleep sync; do
            command -v "$tool" >/dev/null || MISSING="$MISSING${MISSING:+ }$tool"
        done
        case ${T_IKE-} in
            start | restart)
                for tool in in.iked ikeadm pkill; do
                    command -v "$tool" >/dev/null || MISSING="$MISSING${MISSING:+ }$tool"
                done
                ;;
        esac
        [ -n "$SHA256" ] || MISSING="$MISSING${MISSING:+ }sha256sum or digest"
    }

    list_policy() { # file
        ask_tool "$1" ipsecconf -ln
    }

    # `state fmri` lines of what the boot scripts do: load the policy, whatever is in its file; load keys, where there are some.
    # The daemon is online while it runs.
    list_services() { # file
        set_services daemon_runs
        put "$SERVICES" >"$1"
    }

    take_services() { # file
        list_services "$1"
    }

    look_at_services() {
        set_services see_daemon
    }

    set_services() { # command that tells whether the daemon runs
        SERVICES="online $POLICY$nl"
        if [ -f "$ROOT/etc/inet/secret/ipseckeys" ]; then
            SERVICES="${SERVICES}online $MANUAL_KEY$nl"
        else
            SERVICES="${SERVICES}disabled $MANUAL_KEY$nl"
        fi
        if "$1"; then
            SERVICES="${SERVICES}online $IKE"
        else
            SERVICES="${SERVICES}disabled $IKE"
        fi
        ! guard_is_in_place || SERVICES="$SERVICES${nl}online $GUARD"
    }

    daemon_runs() {
        ask_tool "$TX/pids" pgrep -x -u 0 in.iked
    }

    see_daemon() {
        pgrep -x -u 0 in.iked >/dev/null 2>&1
    }

    # What ipsecconf leaves in a folder that is memory, rules, or the daemon: at a boot the guard comes before them all.
    services_are_up() {
        if [ -f "$ROOT/var/run/ipsecconf.lock" ] || [ -f "$ROOT/var/run/ipsecpolicy.conf" ] || see_daemon; then
            return 0
        fi
        case $(ipsecconf -ln 2>/dev/null) in
            *INDEX*) return 0 ;;
            *) return 1 ;;
        esac
    }

    # The early ipsecconf has no check: there a policy is tried only when it is loaded.
    check_syntax() { # name file
        case $1 in
            ipsecinit.conf)
                run_tool ipsecconf -c "$2" && return 0
                while read -r check_line; do
                    case $check_line in *'illegal option'*) return 0 ;; esac
                done <"$TX/out"
                return 1
                ;;
            ipseckeys) run_tool ipseckey -c "$2" ;;
            config) run_tool in.iked -c -f "$2" ;;
            *) return 0 ;;
        esac
    }

    # Nothing replaces all rules in one go here: see legacy-policy.sh. What is taken back is taken back even without a cover.
    replace_policy() { # file
        rebuild_policy "$1" anyway
    }

    change_policy() { # file
        if [ -s "$TX/change" ]; then
            carry_out_change
        else
            rebuild_policy "$1"
        fi
    }

    flush_policy() {
        run_tool ipsecconf -q -f
    }

    # Boot scripts start what has its file; only the daemon is started by hand as well. $2 is its state before.
    bring_online() { # fmri state
        [ "$1.$2" = "$IKE.online" ] || [ "$1" != "$IKE" ] || start_daemon
    }

    take_offline() { # fmri
        [ "$1" != "$IKE" ] || stop_daemon
    }

    # The new one starts only where the old one is seen to be gone.
    restart_service() { # fmri
        stop_daemon && start_daemon
    }

    stop_daemon() {
        run_tool pkill -x -u 0 in.iked
        daemon_ends && return 0
        run_tool pkill -KILL -x -u 0 in.iked
        daemon_ends && return 0
        put 'in.iked runs on, whatever it is told' >"$TX/out"
        return 1
    }

    daemon_ends() {
        wait_turns=0
        while daemon_runs; do
            [ "$wait_turns" -lt 5 ] || return 1
            sleep 1
            wait_turns=$((wait_turns + 1))
        done
    }

    start_daemon() {
        run_tool in.iked
    }

    # The rules the daemon has into a file. It answers only a moment after its command has come back.
    list_daemon_rules() { # file
        wait_turns=0
        until ask_tool "$1" ikeadm dump rule; do
            true >"$1"
            daemon_answers && return 0
            [ "$wait_turns" -lt 10 ] && daemon_runs || return 1
            sleep 1
            wait_turns=$((wait_turns + 1))
        done
    }

    # The init script, and its link from the folder of the first scripts. Its copy of the agent is this agent.
    install_guard() {
        cp "$AGENT" "$STATE/agent/boot.new" && mv -f "$STATE/agent/boot.new" "$STATE/agent/boot" || return 1
        guard_is_in_place && return 0
        put "${GUARD_FILE#"$ROOT"} and ${GUARD_LINK#"$ROOT"} could not be made: does this host boot from init scripts?" >"$TX/out"
        put "$GUARD_TEXT" >"$GUARD_FILE.new" && chmod 0744 "$GUARD_FILE.new" && mv -f "$GUARD_FILE.new" "$GUARD_FILE" || return 1
        rm -f "$GUARD_LINK"
        ln -s ../init.d/ipsec-deploy-guard "$GUARD_LINK" && guard_is_in_place
    }

    # As we wrote it, and run at boot.
    guard_is_in_place() {
        [ -x "$GUARD_FILE" ] && [ -f "$GUARD_LINK" ] || return 1
        guard_text=
        while IFS= read -r guard_line; do
            guard_text=$guard_text$guard_line$nl
        done <"$GUARD_LINK"
        [ "$guard_text" = "$GUARD_TEXT$nl" ]
    }

    # What is started at a boot goes by the files, which are back already. Only the daemon is told besides.
    restore_services() { # boot|running
        [ "$1" = running ] || return 0
        state_in "$BEFORE/services" "$IKE"
        restore_wanted=$SERVICE_STATE
        state_in "$TX/services" "$IKE"
        case $restore_wanted.$SERVICE_STATE in
            online.online) [ ! -f "$TX/ike.touched" ] || restart_service "$IKE" ;;
            # One that is not seen may be about to come up, by the files that were taken back.
            online.*) restart_service "$IKE" ;;
            *.online) stop_daemon ;;
        esac
        [ "$restore_wanted" != online ] || [ ! -f "$TX/ike.touched" ] || list_daemon_rules "$TX/rules"
    }

    # Keys that are loaded at boot go by their file, which is looked at by itself.
    check_restored_services() {
        state_in "$BEFORE/services" "$IKE"
        restore_wanted=$SERVICE_STATE
        state_in "$TX/services" "$IKE"
        [ "$SERVICE_STATE" != "$restore_wanted" ] || return 0
        PROBLEMS="${PROBLEMS}in.iked is $SERVICE_STATE, was $restore_wanted; "
        return 1
    }

    # There are no services that keep a log.
    say_service_log() { # fmri
        return 0
    }

    put_service_log() { # fmri
        return 0
    }
}
