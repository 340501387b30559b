# Owns: policy, SAs and the IKE daemon on hosts whose IPsec is run by SMF services (illumos, Solaris 11, late Solaris 10).
# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # the parts are one script and share their variables and functions

use_solaris_smf() {
    PLATFORM=solaris-smf
    # The option that lists all loaded rules.
    LISTING=-Ln
    GUARD_FILE=$STATE/agent/boot-guard.xml
    GUARD_TEXT=$BOOT_GUARD_XML

    # MISSING := the commands of this platform that the host does not have.
    find_missing_tools() {
        MISSING=
        for tool in ipsecconf ipseckey ikeadm svcs svcadm svccfg svcprop awk sed ls cp mv rm mkdir chmod chown cat cmp ps \
            uname nohup sleep sync; do
            command -v "$tool" >/dev/null || MISSING="$MISSING${MISSING:+ }$tool"
        done
        command -v in.iked >/dev/null || MISSING="$MISSING${MISSING:+ }in.iked"
        [ -n "$SHA256" ] || MISSING="$MISSING${MISSING:+ }sha256sum or digest"
    }

    list_policy() { # file
        ask_tool "$1" ipsecconf -Ln
    }

    # `state fmri` lines; a service the host does not know is missing from them.
    list_services() { # file
        ask_tool "$1" svcs -H -o state,fmri "$POLICY" "$MANUAL_KEY" "$IKE" "$GUARD"
    }

    # The same lines into SERVICES, while nothing may be written.
    look_at_services() {
        SERVICES=$(svcs -H -o state,fmri "$POLICY" "$MANUAL_KEY" "$IKE" "$GUARD" 2>/dev/null)
    }

    # Whether one of the services has started: at a boot the guard comes before them all.
    services_are_up() {
        case $(svcs -H -o state "$POLICY" "$MANUAL_KEY" "$IKE" 2>/dev/null) in
            *online*) return 0 ;;
            *) return 1 ;;
        esac
    }

    # The same lines into a file, and in REFUSAL when a service reads another file than the one we manage: one call for both.
    take_services() { # file
        service_answer=$(svcprop -p restarter/state -p config/config_file "$POLICY" "$MANUAL_KEY" "$IKE" "$GUARD" 2>/dev/null)
        set -f
        IFS=$nl
        for service_line in $service_answer; do
            service_fmri=${service_line%%/:properties/*}
            case $service_line in
                */:properties/restarter/state' '*) put "${service_line##* } $service_fmri" ;;
                */:properties/config/config_file' '*) check_service_file "$service_fmri" "${service_line##* }" ;;
            esac
        done >"$1"
        unset IFS
        set +f
        # An svcprop that words it otherwise: the states still have their own command.
        state_in "$1" "$POLICY"
        [ "$SERVICE_STATE" != absent ] || list_services "$1"
    }

    check_service_file() { # fmri file
        case $1 in
            "$POLICY") path_of ipsecinit.conf ;;
            "$MANUAL_KEY") path_of ipseckeys ;;
            "$IKE") path_of config ;;
            *) return 0 ;;
        esac
        [ "$2" = "$FILE" ] || [ "$2" = "${FILE#"$ROOT"}" ] ||
            REFUSAL="config/config_file of $1 is $2, not ${FILE#"$ROOT"}; set it back first"
    }

    # The host's own syntax checks of the staged files. What they say goes to $TX/out, never further when it is about keys.
    check_syntax() { # name file
        case $1 in
            ipsecinit.conf) run_tool ipsecconf -c "$2" ;;
            ipseckeys) run_tool ipseckey -c "$2" ;;
            config) run_tool in.iked -c -f "$2" ;;
            *) return 0 ;;
        esac
    }

    # All rules at once: the kernel has the old policy or the new one at any moment.
    replace_policy() { # file
        run_tool ipsecconf -q -F -a "$1"
    }

    # The policy of the transaction.
    change_policy() { # file
        replace_policy "$1"
    }

    # A replacement by nothing would leave the old rules loaded.
    flush_policy() {
        run_tool ipsecconf -q -F
    }

    # Brings a service online, whatever it was. $2 is its state before.
    bring_online() { # fmri state
        case $2 in
            online) ;;
            maintenance) run_tool svcadm clear "$1" && wait_for_service "$1" ;;
            absent)
                put "$1 is not known to this host" >"$TX/out"
                return 1
                ;;
            *) run_tool svcadm enable -s "$1" ;;
        esac
    }

    take_offline() { # fmri
        run_tool svcadm disable -s "$1"
    }

    # Stopped and started, each to its end. The stop is temporary: should the power go between the two, the service comes up.
    restart_service() { # fmri
        run_tool svcadm disable -s -t "$1" && run_tool svcadm enable -s "$1"
    }

    # `svcadm clear` returns before the method has run.
    wait_for_service() { # fmri
        wait_turns=0
        while [ "$wait_turns" -lt 60 ]; do
            case $(svcs -H -o state "$1" 2>/dev/null) in
                online | maintenance) return 0 ;;
            esac
            sleep 1
            wait_turns=$((wait_turns + 1))
        done
        return 1
    }

    # The rules the daemon has into a file. Listing them proves it alive; where that fails, its statistics may.
    list_daemon_rules() { # file
        ask_tool "$1" ikeadm dump rule && return 0
        true >"$1"
        daemon_answers
    }

    # The guard's service runs before the policy is loaded at each boot. Its copy of the agent is this agent.
    install_guard() {
        cp "$AGENT" "$STATE/agent/boot.new" && mv -f "$STATE/agent/boot.new" "$STATE/agent/boot" || return 1
        put "$GUARD_TEXT" >"$GUARD_FILE" || return 1
        run_tool svccfg import "$GUARD_FILE" || return 1
        list_services "$TX/services"
        state_in "$TX/services" "$GUARD"
        case $SERVICE_STATE in
            absent)
                put "$GUARD is not known to this host after its import" >"$TX/out"
                return 1
                ;;
            maintenance) run_tool svcadm clear "$GUARD" ;;
            disabled) run_tool svcadm enable "$GUARD" ;;
            *) return 0 ;;
        esac
    }

    # Puts services back to how the snapshot found them. At boot they are not running yet: only what persists is set.
    restore_services() { # boot|running
        state_in "$BEFORE/services" "$MANUAL_KEY"
        restore_service "$1" "$MANUAL_KEY" "$SERVICE_STATE"
        state_in "$BEFORE/services" "$POLICY"
        restore_service "$1" "$POLICY" "$SERVICE_STATE"
        state_in "$BEFORE/services" "$IKE"
        if [ "$1.$SERVICE_STATE" = running.online ] && [ -f "$TX/ike.touched" ]; then
            restart_service "$IKE"
        else
            restore_service "$1" "$IKE" "$SERVICE_STATE"
        fi
    }

    restore_service() { # boot|running fmri state
        [ "$3" != absent ] || return 0
        restore_wanted=$3
        if [ "$1" = boot ]; then
            [ -f "$TX/services.touched" ] || return 0
            case $restore_wanted in
                disabled) run_tool svcadm disable "$2" ;;
                *) run_tool svcadm enable "$2" ;;
            esac
            return
        fi
        state_in "$TX/services" "$2"
        [ "$SERVICE_STATE" != "$restore_wanted" ] || return 0
        case $restore_wanted in
            online) bring_online "$2" "$SERVICE_STATE" ;;
            disabled) take_offline "$2" ;;
            *) return 0 ;;
        esac
    }

    # Services that were online or disabled must be so again; one that was failing is not asked to fail again.
    check_restored_services() {
        check_restored=0
        for restore_fmri in "$POLICY" "$MANUAL_KEY" "$IKE"; do
            state_in "$BEFORE/services" "$restore_fmri"
            restore_wanted=$SERVICE_STATE
            state_in "$TX/services" "$restore_fmri"
            case $restore_wanted in
                online | disabled)
                    [ "$SERVICE_STATE" = "$restore_wanted" ] && continue
                    PROBLEMS="$PROBLEMS${restore_fmri#svc:/} is $SERVICE_STATE, was $restore_wanted; "
                    check_restored=1
                    ;;
            esac
        done
        return "$check_restored"
    }

    # The last lines of the log of a service in maintenance.
    say_service_log() { # fmri
        begin_section log "service=${1#svc:/}"
        put_service_log "$1"
        end_section log
    }

    put_service_log() { # fmri
        service_log=${1#svc:/}
        service_head=${service_log%:*}
        service_name=
        # The log of svc:/a/b/c:default is a-b-c:default.log.
        while :; do
            case $service_head in
                */*)
                    service_name=$service_name${service_head%%/*}-
                    service_head=${service_head#*/}
                    ;;
                *) break ;;
            esac
        done
        service_log=$ROOT/var/svc/log/$service_name$service_head:${1##*:}.log
        if [ -f "$service_log" ]; then
            # shellcheck disable=SC2016 # $ is the last line
            sed -e :a -e '$q' -e N -e '11,$D' -e ba <"$service_log" | sed 's/[0-9a-fA-F]\{16,\}/[masked]/g'
        fi
    }
}
