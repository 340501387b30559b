#!/bin/sh
# Owns: small stand-ins for the host's IPsec commands, one file under every command's name in $ROOT/usr/sbin.
# State is in $ROOT/kernel: spd (a rule a line), next (kernel index), sad (an SA a line), smf/NAME (a state), daemon (labels).
# What $ROOT/faults/TOOL says happens once the tool is called with the words before it: `hang`, `fail`, `lie` (success without
# effect) or `die` (effect, then failure), a line each: `fault pattern`.
root=${0%/usr/*}
kernel=$root/kernel
tool=${0##*/}
PATH=/usr/bin:/bin
fault=
echo "$tool $*" >>"$root/calls"
if [ -f "$root/faults/$tool" ]; then
    while read -r word pattern; do
        # shellcheck disable=SC2254 # it is a pattern
        case "$*" in $pattern) fault=$word ;; esac
    done <"$root/faults/$tool"
fi
case $fault in
    hang) exec sleep 600 ;;
    fail)
        echo "$tool: failed as told"
        exit 1
        ;;
    lie) exit 0 ;;
esac

smf_state() { # name
    state=absent
    [ ! -f "$kernel/smf/$1" ] || read -r state <"$kernel/smf/$1"
}

load_rules() { # file replace
    [ "$2" = no ] || : >"$kernel/spd"
    while IFS= read -r rule; do
        case $rule in
            '{'*) grep -qxF "$rule" "$kernel/spd" || echo "$rule" >>"$kernel/spd" ;;
        esac
    done <"$1"
}

add_sas() { # file
    bad=0
    while read -r add type _ spi rest; do
        case $add in
            delete) sed "/^add $type spi $spi .*dst ${rest##* } /d" "$kernel/sad" >"$kernel/sad.new" && mv "$kernel/sad.new" "$kernel/sad" ;;
            add)
                dst=${rest#*dst }
                if grep -q "^add $type spi $spi .*dst ${dst%% *} " "$kernel/sad"; then
                    printf 'Config file entry near line 1 caused error(s) or warnings:\n\n%s\n\nAssociation already exists.\n' "$add $type spi $spi $rest"
                    bad=1
                else
                    echo "$add $type spi $spi $rest" >>"$kernel/sad"
                fi
                ;;
        esac
    done <"$1"
    return "$bad"
}

case $tool in
    ipsecconf)
        case $* in
            -Ln) awk '{ print "#INDEX " NR; print $0 " " }' "$kernel/spd" ;;
            '-c '*) ! grep -q BROKEN "$2" || { echo 'ipsecconf: line 1 : bad' >&2 && exit 1; } ;;
            *-F\ -a*)
                for file in "$@"; do :; done
                load_rules "$file" yes
                ;;
            *-F*) : >"$kernel/spd" ;;
        esac
        ;;
    ipseckey)
        case $* in
            *'-s -')
                echo '# This key file was generated.'
                sed -e 's/^/# begin assoc\n/' -e 's/ encr_alg/ \\\n    encr_alg/' "$kernel/sad"
                ;;
            '-c '*) ! grep -q BROKEN "$2" || { cat "$2" && exit 1; } ;;
            '-f '*) add_sas "$2" || exit 1 ;;
            flush) : >"$kernel/sad" ;;
        esac
        ;;
    svcs)
        status=0
        for word in "$@"; do
            case $word in
                svc:*)
                    smf_state "${word##*/}"
                    if [ "$state" = absent ]; then
                        echo "svcs: Pattern '$word' doesn't match any instances" >&2
                        status=1
                    elif [ "$2 $3" = '-o state' ]; then
                        echo "$state"
                    else
                        printf '%-14s %s\n' "$state" "$word"
                    fi
                    ;;
            esac
        done
        exit "$status"
        ;;
    svcadm)
        verb=$1
        for word in "$@"; do :; done
        name=${word##*/}
        case $verb.$name in
            enable.manual-key:default)
                : >"$kernel/sad"
                add_sas "$root/etc/inet/secret/ipseckeys" >/dev/null
                ;;
            disable.manual-key:default) : >"$kernel/sad" ;;
            enable.policy:default | clear.policy:default) load_rules "$root/etc/inet/ipsecinit.conf" no ;;
            disable.policy:default) : >"$kernel/spd" ;;
            enable.ike:default) sed -n 's/.*label "\([^"]*\)".*/GLOBL: Label '"'\\1'"', key manager cookie 1/p' "$root/etc/inet/ike/config" >"$kernel/daemon" ;;
            disable.ike:default) rm -f "$kernel/daemon" ;;
        esac
        state=online
        [ "$verb" != disable ] || state=disabled
        [ "$fault" != die ] || state=maintenance
        echo "$state" >"$kernel/smf/$name"
        ;;
    svcprop)
        for word in "$@"; do
            case $word in
                svc:*)
                    smf_state "${word##*/}"
                    [ "$state" = absent ] || echo "$word/:properties/restarter/state astring $state"
                    ;;
            esac
        done
        echo 'svc:/network/ipsec/policy:default/:properties/config/config_file astring /etc/inet/ipsecinit.conf'
        [ ! -f "$root/other-file" ] || echo 'svc:/network/ipsec/ike:default/:properties/config/config_file astring /etc/elsewhere'
        ;;
    svccfg)
        [ "$1" != import ] || echo online >"$kernel/smf/ipsec-deploy-guard:default"
        ;;
    ikeadm)
        [ -f "$kernel/daemon" ] || { echo 'Unable to communicate with in.iked' && exit 1; }
        case $* in
            *'dump rule') cat "$kernel/daemon" ;;
            'get stats') echo 'Phase 1 SA counts:' ;;
        esac
        ;;
    in.iked) ;;
    uname) echo 'SunOS web1 5.11 omnios-r151046 i86pc' ;;
esac
[ "$fault" != die ] || exit 1
