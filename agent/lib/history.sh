# Owns: the history of transactions that ended, and what is told of one by its id.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

record() { # line
    put "$1" >>"$STATE/history"
}

# Also keeps the history from growing without end.
is_recorded() { # id
    [ -f "$STATE/history" ] || return 1
    recorded_lines=0
    recorded_status=1
    while read -r known_time known_id known_rest; do
        recorded_lines=$((recorded_lines + 1))
        [ "$known_id" != "$1" ] || recorded_status=0
    done <"$STATE/history"
    if [ "$recorded_lines" -gt 400 ]; then
        sed 1,200d <"$STATE/history" >"$STATE/history.new" && mv -f "$STATE/history.new" "$STATE/history"
    fi
    return "$recorded_status"
}

# How a transaction stands or ended, by its id.
say_known_outcome() { # id
    if transaction_is_open && read_transaction && [ "$T_ID" = "$1" ] && [ "$T_STATE" = verified ]; then
        take_time
        say_open_outcome
        return
    fi
    known_line=
    if [ -f "$STATE/history" ]; then
        while read -r known_time known_id known_rest; do
            [ "$known_id" != "$1" ] || known_line=$known_rest
        done <"$STATE/history"
    fi
    if [ -z "$known_line" ] && transaction_is_open && [ "$T_ID" = "$1" ]; then
        say "outcome id=$1 state=failed generation=? step=${T_STEP:-none} text=it is not at its end, and nothing can be written down of it"
        return
    fi
    if [ -z "$known_line" ]; then
        say "outcome id=$1 state=unknown text=no such transaction on this host"
        return
    fi
    known_state=${known_line%% *}
    known_line=${known_line#* }
    say "outcome id=$1 state=$known_state ${known_line%% run=*}${known_line#*"${known_line%% text=*}"}"
}

# Another is ending the transaction: wait for it, at most a minute, and say how it came out.
await_outcome() { # id
    await_turns=0
    while [ "$await_turns" -lt 60 ] && transaction_is_open && revert_has_work "$1"; do
        sleep 1
        await_turns=$((await_turns + 1))
    done
    say_known_outcome "$1"
}
