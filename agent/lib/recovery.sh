# Owns: a transaction whose keepers are all gone: it is ended by whoever comes next, at the next contact or at the next boot.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

recover() {
    if [ ! -f "$TX/about" ] || ! read_transaction; then
        clear_remains
        return 0
    fi
    if ! transaction_is_open; then
        # Nothing was changed, and nobody is there who would.
        ! agent_is_gone || clear_remains
        return 0
    fi
    if [ -f "$TX/failed" ]; then
        # It did not verify, perhaps of something that is over by now.
        ! take_up_failed || end_as_begun running
        return 0
    fi
    recover_deadman=
    recover_token=
    [ ! -f "$TX/deadman" ] || read -r recover_deadman recover_token <"$TX/deadman"
    if is_number "$recover_deadman" && [ "$recover_deadman" != $$ ] && process_runs "$recover_deadman" "$recover_token"; then
        # Somebody may have stopped it, and its time may be over.
        kill -s CONT "$recover_deadman" 2>/dev/null
        return 0
    fi
    # An agent that has come to "verified" and listens on keeps nothing.
    [ -f "$TX/verified" ] || agent_is_gone || return 0
    if [ -f "$TX/ending" ]; then
        ! ender_is_gone || end_as_begun running
        return
    fi
    ! claim reverting || revert "$T_STEP" 'its keepers were gone' running
}

# What is left of a transaction that is over or was never armed. Under the lock, lest one that begins now is taken for such.
clear_remains() {
    find_remains
    if [ -z "$REMAINS" ] && [ ! -d "$TX" ] && [ ! -d "$NEW" ] && [ ! -f "$STATE/lock" ]; then
        return 0
    fi
    take_lock recovery || return 0
    # Whoever ends a transaction takes the lock away with it, ours as well.
    remains_lock=
    [ ! -f "$STATE/lock" ] || read -r remains_lock <"$STATE/lock"
    case $remains_lock in
        "recovery $$ "*) transaction_is_open || discard ;;
    esac
}

# The same for requests that look: what they tell should be how things stay. They have no steps to tell of.
recover_unasked() {
    [ -d "$STATE" ] && [ -z "$READONLY" ] || return 0
    recover_mark=$MARK
    MARK=
    [ ! -d "$TX" ] || LOADER_DIGESTS=
    recover
    MARK=$recover_mark
}

# Goes on where the one who had claimed the end was stopped. Status 1: another was quicker to.
end_as_begun() { # boot|running
    case $T_STATE in
        confirming)
            drop_claim && claim confirming || return 1
            take_time
            finish_confirm "$1" && return
            turn_to_revert || return 1
            revert confirm "$FINISH_FAILURE" "$1"
            ;;
        *)
            drop_claim && claim reverting || return 1
            # What the other waited for may still be at work.
            end_tool
            revert "$T_STEP" 'taken back after an interruption' "$1"
            ;;
    esac
    return 0
}

# The boot guard: before policy is loaded, nothing of an unconfirmed transaction may remain.
boot() {
    [ -d "$TX" ] || exit 0
    if ! read_transaction; then
        rm -rf "$TX" "$NEW" "$STATE/lock"
        exit 0
    fi
    # Run by hand, or by its own import, while somebody is in charge.
    recover_deadman=
    recover_token=
    [ ! -f "$TX/deadman" ] || read -r recover_deadman recover_token <"$TX/deadman"
    list_processes
    if [ -n "$PROCESSES" ]; then
        agent_is_gone || exit 0
        ! is_number "$recover_deadman" || ! process_runs "$recover_deadman" "$recover_token" || exit 0
    fi
    # At a boot nothing of ours is up yet; otherwise somebody started the guard, and what is loaded goes back too.
    boot_mode=boot
    if services_are_up; then
        [ -n "$PROCESSES" ] || exit 0
        boot_mode=running
    fi
    if ! transaction_is_open; then
        discard
        exit 0
    fi
    rm -f "$TX/failed"
    read_ender
    # Should we be ended before the files are back, what boots after us goes by the new ones: whoever takes back then restarts the daemon.
    set_mark "$TX/ike.touched"
    end_as_begun "$boot_mode"
    # A guard in maintenance would keep the policy from loading: the host would come up in the clear.
    exit 0
}
