# Owns: how a transaction ends: confirm, abort, extend, revert.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# Exclusive creation: of all who want to end the transaction, one succeeds.
claim() { # confirming|reverting
    if ! make_ending; then
        # Another has it; or the disk has no inode left for it.
        [ ! -e "$TX/ending" ] && release_reserve && make_ending || return 1
    fi
    if ! put "$1 $$ $WORD" 2>/dev/null >"$TX/ending"; then
        # Without a name in it others would take us for gone.
        release_reserve
        put "$1 $$ $WORD" 2>/dev/null >"$TX/ending"
    fi
    # Whoever was held up may find another transaction where the one it knows was.
    if ! deadman_has_work "$T_ID"; then
        rm -f "$TX/ending"
        return 1
    fi
    hold_lock
}

make_ending() {
    set -C
    { true >"$TX/ending"; } 2>/dev/null
    claim_status=$?
    set +C
    return "$claim_status"
}

# Takes away the claim of the one that ender_is_gone found gone, and no other: somebody may have been quicker.
drop_claim() {
    [ -f "$TX/ending" ] || return 0
    mv "$TX/ending" "$TX/ending.$$" 2>/dev/null || return 1
    drop_pid=
    read -r drop_what drop_pid drop_rest <"$TX/ending.$$"
    [ "$drop_pid" != "$ender_pid" ] || return 0
    mv "$TX/ending.$$" "$TX/ending"
    return 1
}

# A revert that failed is tried again by one of all who see that: by the one that moves its mark away. The claim that goes with
# the mark is looked at before, lest the claim of one who was quicker is dropped.
take_up_failed() {
    read_ender
    if ! mv "$TX/failed" "$TX/failed.$$" 2>/dev/null; then
        # Another has it; or the disk is so full that nothing can be renamed.
        [ -f "$TX/failed" ] && release_reserve && mv "$TX/failed" "$TX/failed.$$" 2>/dev/null || return 1
    fi
    rm -f "$TX/failed.$$"
}

# ---- confirm

confirm() { # id nonce
    find_transaction "$1" || return
    if [ "$T_NONCE" != "$2" ]; then
        say_error "the nonce is not that of transaction $1"
        return
    fi
    if [ ! -f "$TX/verified" ]; then
        say_error "transaction $1 is not verified yet"
        return
    fi
    step confirm begin
    # Should a tool hang now, the dead-man knows whose it is.
    put "$$ $WORD" 2>/dev/null >"$TX/confirmer"
    if ! verify_again; then
        # Another may have ended it meanwhile, and cleared away what was looked at.
        if deadman_has_work "$1"; then
            fail_step confirm "$FAILURE"
        else
            await_outcome "$1"
        fi
        return
    fi
    if ! claim confirming; then
        end_or_await "$1"
        return
    fi
    if ! finish_confirm running; then
        say_output "$TX/out"
        step confirm failed "$FINISH_FAILURE"
        if ! turn_to_revert; then
            # Taken back in part it could still be finished by whoever comes next: rather nothing is done.
            say_error "transaction $1: $FINISH_FAILURE; it is finished as soon as that is mended"
            return
        fi
        revert confirm "$FINISH_FAILURE" running
        say_known_outcome "$1"
        return
    fi
    say 'step name=confirm state=done text='
    say "outcome id=$1 state=confirmed generation=$T_GENERATION"
}

# What can change by itself between verify and confirm: the policy in force, and the daemon.
verify_again() {
    FAILURE=
    list_policy "$TX/listing" || FAILURE='the loaded policy cannot be listed'
    path_of config
    if [ -z "$FAILURE" ] && [ -f "$FILE" ] && [ "$T_IKE" != stop ]; then
        daemon_answers || FAILURE='the IKE daemon does not answer'
    fi
    [ -z "$FAILURE" ] || return 1
    take_problems "$(awk -v job=verify -v light=1 -v listing="$TX/listing" -v wanted="$GEN/spd" "$AWK_IPSEC" 2>&1)"
}

# The marker in the generation's folder is the point of no return; all after it can be done again by whoever recovers.
finish_confirm() { # boot|running
    FINISH_FAILURE='SAs of the former key file cannot be deleted'
    if [ "$1" != boot ] && ! retire_sas && [ ! -s "$GEN/confirmed" ]; then
        return 1
    fi
    FINISH_FAILURE='could not write to the state folder; is the disk full or read-only?'
    if ! mark_confirmed; then
        rm -f "$GEN/confirmed"
        return 1
    fi
    # Before anybody is told: a generation that was confirmed stays, even if the power goes at this moment.
    sync
    is_recorded "$T_ID" || record "$NOW_ISO $T_ID confirmed generation=$T_GENERATION run=$T_RUN"
    finish_deadman=
    [ ! -f "$TX/deadman" ] || read -r finish_deadman finish_rest <"$TX/deadman"
    list_old_generations "$T_KEEP"
    # shellcheck disable=SC2086 # a list of numbers
    set -- $OLD_GENERATIONS
    for finish_number in "$@"; do
        shift
        set -- "$@" "$GENERATIONS/$finish_number"
    done
    # First what says that a transaction is open: its other half must not be ended by anybody else. Its folder twice, should
    # another who confirms at this moment have left a file there meanwhile.
    rm -rf "$TX/armed" "$TX/about" "$TX" "$TX" "$NEW" "$STATE/lock" "$@"
    stand_down "$finish_deadman"
}

# SAs that only the former generation had go before the new one counts: then what cannot be done is taken back as well.
# The next listing tells whether they are gone; `ipseckey` stops at one that has gone by itself.
retire_sas() {
    [ -s "$TX/keys.retire" ] || return 0
    retire_file=$TX/keys.retire
    for retire_turn in 1 2 3; do
        run_tool ipseckey -f "$retire_file"
        if ! list_sas "$TX/sad" || [ ! -s "$TX/sad" ]; then
            continue
        fi
        case $(awk -v job=retire -v sad="$TX/sad" -v retire="$TX/keys.retire" -v left="$TX/keys.left" "$AWK_IPSEC") in
            'left 0') return 0 ;;
            'left '*) retire_file=$TX/keys.left ;;
        esac
    done
    return 1
}

mark_confirmed() {
    put_marker "$T_RUN $NOW_ISO" "$GEN/confirmed" || return 1
    [ "$T_FORMER" != none ] || put_marker "baseline $NOW_ISO" "$BEFORE/confirmed"
}

put_marker() { # text file
    [ ! -s "$2" ] || return 0
    put "$1" 2>/dev/null >"$2" && return 0
    release_reserve && put "$1" 2>/dev/null >"$2"
}

# What was to be confirmed is to be taken back, for everybody to see.
turn_to_revert() {
    put "reverting $$ $WORD" 2>/dev/null >"$TX/ending" && return 0
    release_reserve && put "reverting $$ $WORD" 2>/dev/null >"$TX/ending"
}

# OLD_GENERATIONS := confirmed ones beyond the newest `keep`. The baseline stays: it is the way back to before us.
list_old_generations() { # keep
    OLD_GENERATIONS=
    for old_file in "$GENERATIONS"/*/confirmed; do
        old_number=${old_file%/confirmed}
        old_number=${old_number##*/}
        if ! is_number "$old_number" || [ "$old_number" = 0 ]; then
            continue
        fi
        old_newer=0
        for newer_file in "$GENERATIONS"/*/confirmed; do
            newer_number=${newer_file%/confirmed}
            newer_number=${newer_number##*/}
            is_number "$newer_number" && [ "$newer_number" -gt "$old_number" ] && old_newer=$((old_newer + 1))
        done
        [ "$old_newer" -lt "$1" ] || OLD_GENERATIONS="$OLD_GENERATIONS $old_number"
    done
}

# ---- abort, extend

abort() { # id
    call_off_unarmed "$1" && return
    find_transaction "$1" || return
    abort_retry=
    if [ -f "$TX/failed" ]; then
        # The revert was tried and did not verify: once more, by hand.
        if take_up_failed && drop_claim; then
            abort_retry=1
        else
            end_or_await "$1"
            return
        fi
    fi
    if claim reverting; then
        end_agent
        revert "${T_STEP:-abort}" "aborted${abort_retry:+, once more}" running
        say_known_outcome "$1"
    else
        end_or_await "$1"
    fi
}

# A transaction that was begun and has changed nothing yet, whoever holds it up: it must not go on after this.
call_off_unarmed() { # id
    [ -f "$TX/about" ] && [ ! -f "$TX/armed" ] && read_transaction && [ "$T_ID" = "$1" ] || return 1
    # Whoever ended it may be clearing up still, and began with that mark.
    ! is_recorded "$1" || return 1
    end_agent
    # It may have armed meanwhile.
    ! transaction_is_open && claim reverting || return 1
    call_off_deadman=
    [ ! -f "$TX/deadman" ] || read -r call_off_deadman call_off_rest <"$TX/deadman"
    discard
    stand_down "$call_off_deadman"
    REFUSAL='called off before anything was touched'
    refuse "$1"
}

# Another has claimed the end: it is waited for, or if it is gone, gone on with.
end_or_await() { # id
    if deadman_has_work "$1" && ender_is_gone && read_transaction && end_as_begun running; then
        say_known_outcome "$1"
    else
        # Somebody may have stopped it.
        read_ender
        ! is_number "$ender_pid" || ! process_runs "$ender_pid" "$ender_word" || kill -s CONT "$ender_pid" 2>/dev/null
        await_outcome "$1"
    fi
}

# The dead-man looks at the window again before it acts.
extend() { # id seconds
    find_transaction "$1" || return
    if ! is_number "$2" || [ "$2" -eq 0 ]; then
        say_error 'seconds is not a number above 0'
        return
    fi
    if [ "$((T_WINDOW + $2))" -gt 86400 ]; then
        say_error 'the window would be longer than a day'
        return
    fi
    put "$((T_WINDOW + $2))" >"$TX/window.new" && mv -f "$TX/window.new" "$TX/window"
    if [ -f "$TX/ending" ] || ! transaction_is_open; then
        await_outcome "$1"
        return
    fi
    read_transaction
    take_time
    say_open_outcome
}

say_open_outcome() {
    set_reverts_in
    say "outcome id=$T_ID state=verified generation=$T_GENERATION reverts_in=$REVERTS_IN"
}

# The open transaction of that id; of one that has ended, or is not known, the answer is given here.
find_transaction() { # id
    is_name "$1" || {
        say_error 'id is not a name'
        return 1
    }
    if transaction_is_open && read_transaction && [ "$T_ID" = "$1" ]; then
        return 0
    fi
    say_known_outcome "$1"
    return 1
}

# ---- revert

# Back to the snapshot, whatever part of the way was gone; safe to run again. `boot`: nothing is loaded or running yet.
revert() { # step text boot|running
    revert_step=$1 revert_text=$2 revert_mode=$3
    if [ -s "$GEN/confirmed" ]; then
        # Past the point of no return: whoever confirmed was stopped while clearing up.
        take_time
        finish_confirm "$revert_mode"
        return
    fi
    PROBLEMS=
    step revert begin
    # Whatever hangs while taking back is ended, so that the rest is taken back.
    revert_orphan=
    [ ! -f "$TX/watch" ] || read -r revert_orphan <"$TX/watch"
    watch_tools "$T_ID" "$$" &
    revert_watch=$!
    put "$revert_watch" 2>/dev/null >"$TX/watch"
    if release_reserve; then
        put "$revert_watch" 2>/dev/null >"$TX/watch"
    fi
    restore_files || PROBLEMS='files could not be put back; '
    if [ "$revert_mode" = boot ]; then
        restore_services boot
    else
        list_services "$TX/services"
        restore_services running
        restore_sas
        restore_policy
        # What came of it is looked at, not believed.
        list_services "$TX/services"
        check_restored_services
        check_restored_sas
        policy_is_restored || PROBLEMS="${PROBLEMS}the loaded policy is not as it was; "
    fi
    check_restored_files
    take_time
    PROBLEMS=${PROBLEMS%; }
    if [ -n "$PROBLEMS" ]; then
        step revert failed "$PROBLEMS"
        put "$PROBLEMS" >"$TX/failed"
        record "$NOW_ISO $T_ID failed generation=? step=$revert_step run=$T_RUN text=$PROBLEMS ($revert_text)"
        stand_down "$revert_watch"
        stand_down "$revert_orphan"
        return 1
    fi
    step revert 'done'
    record "$NOW_ISO $T_ID reverted generation=$T_FORMER step=$revert_step run=$T_RUN text=$revert_text"
    finish_deadman=
    [ ! -f "$TX/deadman" ] || read -r finish_deadman finish_rest <"$TX/deadman"
    discard
    stand_down "$revert_watch"
    # The watch of a revert that was cut short outlives it.
    stand_down "$revert_orphan"
    [ "$finish_deadman" = $$ ] || stand_down "$finish_deadman"
}

# The policy that was loaded: its listing is a file of rules by itself, and replaces all at once.
restore_policy() {
    policy_is_restored && return 0
    if [ ! -s "$BEFORE/spd" ]; then
        flush_policy
        policy_is_restored
        return
    fi
    replace_policy "$BEFORE/spd"
    policy_is_restored && return 0
    # Not every listing can be read back; the file it came from can.
    path_of ipsecinit.conf
    [ -f "$FILE" ] || return 1
    replace_policy "$FILE"
    policy_is_restored
}

policy_is_restored() {
    list_policy "$TX/listing" &&
        awk -v job=policy -v listing="$TX/listing" -v wanted="$BEFORE/spd" "$AWK_IPSEC" >"$TX/out" 2>&1
}

restore_sas() {
    compare_with_snapshot "$TX/keys.fix"
    [ ! -s "$TX/keys.fix" ] || run_tool ipseckey -f "$TX/keys.fix"
    restore_status=$?
    rm -f "$TX/keys.fix"
    return "$restore_status"
}

check_restored_sas() {
    undo_problems=$(compare_with_snapshot '') || undo_problems=${undo_problems:-problem the loaded SAs cannot be compared}
    [ -z "$undo_problems" ] && return 0
    undo_problems=${undo_problems%%"$nl"*}
    PROBLEMS="$PROBLEMS${undo_problems#problem }; "
    return 1
}

compare_with_snapshot() { # file for the commands that mend it, or nothing to have the differences printed
    rm -f "$TX/keys.fix"
    list_sas "$TX/sad" || return 1
    undo_former=$BEFORE/files/ipseckeys
    [ -f "$undo_former" ] || undo_former=/dev/null
    undo_added=$TX/keys.added
    [ -f "$undo_added" ] || undo_added=/dev/null
    awk -v job=undo -v sad="$TX/sad" -v former_sad="$BEFORE/sad" -v added="$undo_added" -v former="$undo_former" -v fix="$1" \
        "$AWK_IPSEC"
}
