# Owns: one transaction at a time. The lock is a file made by exclusive creation, which says who holds it and since when.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# Takes the lock, or says in REFUSAL who has it. Taken over when its transaction is not open and its process is gone.
take_lock() { # run
    lock_run=$1
    REFUSAL=
    make_lock && return 0
    lock_held=
    holder_pid=
    read -r lock_held 2>/dev/null <"$STATE/lock"
    if [ -z "$lock_held" ] || { ! transaction_is_open && holder_lives "$lock_held"; }; then
        # Made at this moment and not yet written, or the disk was full; or whoever ended a transaction clears up still.
        ! is_number "$holder_pid" || kill -s CONT "$holder_pid" 2>/dev/null
        sleep 1
        make_lock && return 0
        lock_held=
        read -r lock_held 2>/dev/null <"$STATE/lock"
    fi
    if transaction_is_open || holder_lives "$lock_held"; then
        name_holder "$lock_held"
        return 1
    fi
    # Only the very lock that was looked at is taken away: another may have been quicker.
    mv "$STATE/lock" "$STATE/lock.$$" 2>/dev/null
    lock_moved=
    read -r lock_moved <"$STATE/lock.$$"
    if [ "$lock_moved" != "$lock_held" ]; then
        mv "$STATE/lock.$$" "$STATE/lock"
        name_holder "$lock_moved"
        return 1
    fi
    rm -f "$STATE/lock.$$"
    make_lock && return 0
    REFUSAL='another transaction began at this moment'
    return 1
}

make_lock() {
    set -C
    { put "$lock_run $$ $WORD" >"$STATE/lock"; } 2>/dev/null
    lock_status=$?
    set +C
    return "$lock_status"
}

# Once the time is known, the lock says it too.
date_lock() {
    put "$lock_run $$ $WORD $NOW" >"$STATE/lock"
}

# Whoever ends a transaction holds the lock until all of it is cleared away: what began before that would be cleared away too.
# Where it cannot be written the end comes all the same.
hold_lock() {
    put "$T_RUN $$ $WORD" 2>/dev/null >"$STATE/lock" && return 0
    release_reserve
    put "$T_RUN $$ $WORD" 2>/dev/null >"$STATE/lock"
    return 0
}

holder_lives() { # run pid word time
    set -f
    # shellcheck disable=SC2086 # the words of the lock
    set -- $1
    set +f
    holder_pid=${2-}
    is_number "$holder_pid" && [ "$holder_pid" != $$ ] && process_runs "$holder_pid" "${3-}"
}

name_holder() { # run pid word time
    set -f
    # shellcheck disable=SC2086 # the words of the lock
    set -- $1
    set +f
    take_time
    REFUSAL="run ${1-(unknown)} holds the lock"
    ! is_number "${4-}" || REFUSAL="$REFUSAL since $((NOW - $4)) s"
    if transaction_is_open; then
        read_transaction
        REFUSAL="$REFUSAL: transaction $T_ID is open"
    elif is_number "${2-}"; then
        # Before it arms nobody watches over it: a tool that hangs there is for a person to end, unless its own run aborts.
        REFUSAL="$REFUSAL: process $2 of this host is at work; should it hang, kill it there"
    fi
}
