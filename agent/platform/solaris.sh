# Owns: what hosts of every platform have in common: the choice of the platform, SAs, and the key daemon's answers.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# Where there are no services, the state of what stands for them is told under the same names.
POLICY=svc:/network/ipsec/policy:default
MANUAL_KEY=svc:/network/ipsec/manual-key:default
IKE=svc:/network/ipsec/ike:default
GUARD=svc:/site/ipsec-deploy-guard:default

# By whether the host knows the policy service. The service's manifest tells without a process; only where there is none is svcs asked,
# and only its own words that it knows no such service count as no.
choose_platform() {
    if ! command -v svcs >/dev/null; then
        use_solaris_legacy
    elif [ -f "$ROOT/lib/svc/manifest/network/ipsec/policy.xml" ] ||
        [ -f "$ROOT/var/svc/manifest/network/ipsec/policy.xml" ] || service_is_known "$POLICY"; then
        use_solaris_smf
    else
        use_solaris_legacy
    fi
}

service_is_known() { # fmri
    svcs -H -o state "$1" 2>&1 | {
        read -r known_answer
        case $known_answer in
            *"match any instances"*) false ;;
            *) true ;;
        esac
    }
}

# With their keys: for a file only we can read.
list_sas() { # file
    ask_tool "$1" ipseckey -n -s -
}

# SERVICE_STATE := state of a service in a file of list_services, or `absent`.
state_in() { # file fmri
    SERVICE_STATE=absent
    while read -r service_state service_fmri; do
        [ "$service_fmri" != "$2" ] || SERVICE_STATE=$service_state
    done <"$1"
}

add_sas() { # file
    run_tool ipseckey -f "$1"
}

daemon_answers() {
    ikeadm get stats >/dev/null 2>&1
}
