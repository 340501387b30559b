# Owns: what an import asks of a host besides an observation: whole key files, and what names and addresses the host has.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# A managed file byte for byte. The only answer that holds keys; it is asked for by `import` and by nothing else.
collect() { # path
    if ! name_of "$1"; then
        say_error 'that is no managed file'
        return
    fi
    path_of "$NAME"
    begin_section collected "path=$1"
    collect_status=1
    [ ! -f "$FILE" ] || { cat "$FILE" && collect_status=0; }
    end_section collected "$collect_status"
}

surroundings() {
    begin_section surroundings
    [ -z "${SSH_CONNECTION-}" ] || say "fact name=client text=${SSH_CONNECTION%% *}"
    begin_section hosts
    [ ! -f "$ROOT/etc/inet/hosts" ] || cat "$ROOT/etc/inet/hosts"
    end_section hosts
    begin_section interfaces
    # In the lab only the host's own tool can tell of the host.
    if [ -z "$ROOT" ] || [ -x "$ROOT/usr/sbin/ifconfig" ]; then
        ifconfig -a 2>/dev/null
    fi
    end_section interfaces
    end_section surroundings
}
