# Owns: the record of the open transaction, its journal, and the order of the steps up to "verified".
#
# In $TX: about (who and what), orders (what the plan wants of each file), window, armed, verified, ending, journal, deadman.
# What stands there decides who is in charge, and each is made in one go:
#   armed     the dead-man is proved alive; from here on the host may be changed
#   verified  all is done and checked; only now can it be confirmed
#   ending    made by exclusive creation: its maker alone ends the transaction, as the word in it says
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

transaction_is_open() {
    [ -f "$TX/armed" ] && [ -f "$TX/about" ]
}

forget_transaction() {
    T_ID=
    T_NONCE=
    T_GENERATION=
    T_FORMER=
    T_RUN=
    T_KEEP=
    T_STEPS=
    T_IKE=
    T_AGENT=
    T_WORD=
    T_ARMED=
    T_WINDOW=
    T_STEP=
}

# T_... := the open transaction.
read_transaction() {
    forget_transaction
    T_STATE=armed
    read -r T_ID T_NONCE T_GENERATION T_FORMER T_RUN T_KEEP T_STEPS T_IKE T_AGENT T_WORD <"$TX/about" || return 1
    set_places
    [ ! -f "$TX/armed" ] || read -r T_ARMED <"$TX/armed"
    [ ! -f "$TX/window" ] || read -r T_WINDOW <"$TX/window"
    [ ! -f "$TX/verified" ] || T_STATE=verified
    [ ! -f "$TX/ending" ] || read -r T_STATE transaction_rest <"$TX/ending"
    [ ! -f "$TX/failed" ] || T_STATE=failed
    if [ -f "$TX/journal" ]; then
        while read -r transaction_word transaction_step transaction_rest; do
            T_STEP=$transaction_step
        done <"$TX/journal"
    fi
    # Past the point of no return, whatever of the rest is already cleared away.
    [ ! -f "$GEN/confirmed" ] || T_STATE=confirming
}

set_places() {
    GEN=$GENERATIONS/$T_GENERATION
    BEFORE=$GENERATIONS/0
    [ "$T_FORMER" = none ] || BEFORE=$GENERATIONS/$T_FORMER/left
}

# REVERTS_IN := seconds until the dead-man acts, as far as the clock can tell. Needs the time and the transaction.
set_reverts_in() {
    REVERTS_IN=$((T_ARMED + T_WINDOW - NOW))
    [ "$REVERTS_IN" -ge 0 ] || REVERTS_IN=0
    [ "$REVERTS_IN" -le "$T_WINDOW" ] || REVERTS_IN=$T_WINDOW
}

# One line in the journal, then one to whoever listens.
step() { # name begin|done|failed|skipped [text]
    put "$2 $1 ${3-}" >>"$TX/journal"
    [ -z "$MARK" ] || say "step name=$1 state=$2 text=${3-}"
}

# Runs a host's tool so that it can be found and ended should it hang: as a process of its own name. What it prints goes to $TX/out.
run_tool() { # command ...
    exec "$@" >"$TX/out" 2>&1 </dev/null &
    wait_for_tool "$!" "$1"
}

# The same for a tool whose answer is wanted: into a file by itself, its complaints to nowhere.
ask_tool() { # file command ...
    ask_file=$1
    shift
    exec "$@" >"$ask_file" 2>/dev/null </dev/null &
    wait_for_tool "$!" "$1"
}

wait_for_tool() { # pid name
    put "$1 $2" >"$TX/tool"
    wait "$1"
    tool_status=$?
    true >"$TX/tool"
    return "$tool_status"
}

# ---- the request

transaction() { # key=value ...
    recover
    forget_transaction
    REFUSAL=
    T_AGENT=$$
    for transaction_word in "$@"; do
        take_transaction_field "$transaction_word"
    done
    check_transaction_fields
    asked_id=$T_ID
    if [ -n "$REFUSAL" ] || ! take_lock "$T_RUN"; then
        skip_block
        refuse "$asked_id"
        return
    fi
    if ! check_generations || ! open_transaction; then
        skip_block
        rm -f "$STATE/lock"
        refuse "$asked_id"
        return
    fi
    take_block "$TX/request"
    step preflight begin
    if ! preflight; then
        step preflight failed "$REFUSAL"
        say_output "$TX/out"
        discard
        refuse "$asked_id"
        return
    fi
    step preflight 'done'
    carry_out
}

take_transaction_field() { # key=value
    case $1 in
        id=*) T_ID=${1#*=} ;;
        nonce=*) T_NONCE=${1#*=} ;;
        window=*) T_WINDOW=${1#*=} ;;
        generation=*) T_GENERATION=${1#*=} ;;
        expect=*) T_FORMER=${1#*=} ;;
        run=*) T_RUN=${1#*=} ;;
        keep=*) T_KEEP=${1#*=} ;;
        steps=*) T_STEPS=${1#*=} ;;
        ike=*) T_IKE=${1#*=} ;;
        *) REFUSAL="not understood: ${1%%=*}" ;;
    esac
}

check_transaction_fields() {
    [ -n "$T_RUN" ] || T_RUN=none
    is_name "$T_ID" || REFUSAL='id is not a name'
    is_name "$T_NONCE" || REFUSAL='nonce is not a name'
    is_name "$T_RUN" || REFUSAL='run is not a name'
    is_number "$T_WINDOW" && [ "$T_WINDOW" -gt 0 ] && [ "$T_WINDOW" -le 86400 ] || REFUSAL='window is not a number of seconds up to a day'
    is_number "$T_GENERATION" && [ "$T_GENERATION" -gt 0 ] || REFUSAL='generation is not a number above 0'
    is_number "$T_KEEP" && [ "$T_KEEP" -gt 0 ] || REFUSAL='keep is not a number above 0'
    [ "$T_FORMER" = none ] || is_number "$T_FORMER" || REFUSAL='expect is not a number'
    case $T_IKE in restart | start | stop | none) ;; *) REFUSAL='ike is not understood' ;; esac
    case ,$T_STEPS, in
        *[!a-z,]* | ,,) REFUSAL='steps are not understood' ;;
    esac
}

# The host is where the plan saw it, and goes forward.
check_generations() {
    find_current
    if [ "$CURRENT" != "$T_FORMER" ]; then
        REFUSAL="the host is on generation $CURRENT, the plan expects $T_FORMER"
    elif [ "$CURRENT" != none ] && [ "$T_GENERATION" -le "$CURRENT" ]; then
        REFUSAL="generation $T_GENERATION is not after $CURRENT"
    fi
    [ -z "$REFUSAL" ]
}

# The folders of a transaction. That they can be made is one more proof that no other is at work.
open_transaction() {
    set_places
    if [ -e "$TX" ] || [ -e "$NEW" ] || [ -e "$GEN" ] || [ -e "$BEFORE" ]; then
        sweep
    fi
    if ! mkdir "$TX" "$NEW" "$GEN" "$GEN/files" "$BEFORE" "$BEFORE/files" 2>/dev/null; then
        REFUSAL='could not make the folders of the transaction; is the disk full or read-only, is /etc/inet there?'
        sweep
        return 1
    fi
    put "$T_ID $T_NONCE $T_GENERATION $T_FORMER $T_RUN $T_KEEP $T_STEPS $T_IKE $T_AGENT $WORD" >"$TX/about" &&
        put "$T_WINDOW" >"$TX/window" && return 0
    REFUSAL='could not write to the state folder; is the disk full or read-only?'
    sweep
    return 1
}

# Removes what an attempt that never armed has left, and the lock. Confirmed generations stay.
sweep() {
    # First what says that a transaction is open: a half removed snapshot must never be gone back to.
    rm -f "$TX/armed"
    for sweep_folder in "$GENERATIONS"/*; do
        [ -f "$sweep_folder/confirmed" ] || rm -rf "$sweep_folder"
    done
    [ -f "$BEFORE/confirmed" ] || rm -rf "$BEFORE"
    rm -rf "$TX" "$NEW"
}

discard() {
    sweep
    rm -f "$STATE/lock"
}

refuse() { # id
    find_current
    say "outcome id=$1 state=refused generation=$CURRENT text=$REFUSAL"
}

# The block as it comes, into a file. The shell's read takes a byte at a time and no more than the block: cheaper than a
# process for the few lines of most hosts. What is longer goes to sed, and so does all in yash, whose read wants ASCII.
take_block() { # file
    block_lines=0
    {
        if [ -z "${YASH_VERSION-}" ]; then
            while [ "$block_lines" -lt 100 ] && IFS= read -r block_line; do
                put "$block_line"
                [ "$block_line" != '#@end' ] || return 0
                block_lines=$((block_lines + 1))
            done
        fi
        sed '/^#@end$/q'
    } >"$1"
}

skip_block() {
    sed -n '/^#@end$/q'
}

# ---- preflight: whatever speaks against it, before anything is touched

preflight() {
    true >"$TX/out"
    find_missing_tools
    [ -z "$MISSING" ] || REFUSAL="this host lacks $MISSING"
    [ -z "$REFUSAL" ] || return 1
    check_state_mode || return 1
    check_targets && take_stock && read_request && check_digests && check_staged_syntax
}

# Only plain files are replaced: a link or a folder in their place is somebody's decision.
check_targets() {
    for target_name in $MANAGED; do
        path_of "$target_name"
        if [ -h "$FILE" ] || { [ -e "$FILE" ] && [ ! -f "$FILE" ]; }; then
            REFUSAL="${FILE#"$ROOT"} is not a plain file"
            return 1
        fi
    done
}

# What is loaded and running now, into the snapshot.
take_stock() {
    if ! list_policy "$TX/listing"; then
        REFUSAL='the loaded policy cannot be listed'
    elif ! list_sas "$BEFORE/sad"; then
        REFUSAL='the loaded SAs cannot be listed'
    else
        take_services "$BEFORE/services"
        state_in "$BEFORE/services" "$POLICY"
        [ "$SERVICE_STATE" != absent ] || REFUSAL="$POLICY is not known to this host"
    fi
    [ -z "$REFUSAL" ]
}

# Stages the files and compares SAs, all in one awk; staged files are born with mode 0400.
read_request() {
    path_of ipseckeys
    request_answer=$(
        umask 0277
        exec awk -v job=request -v request="$TX/request" -v tx="$TX" -v gen="$GEN" -v new="$NEW" -v before="$BEFORE" \
            -v gens="$GENERATIONS" -v root="$ROOT" -v listing="$TX/listing" -v sad="$BEFORE/sad" -v former="$FILE" "$AWK_IPSEC" 2>&1
    )
    request_status=$?
    true >"$TX/request"
    set -f
    IFS=$nl
    for request_line in $request_answer; do
        case $request_line in
            'now '*)
                set_time "${request_line#now }"
                date_lock
                ;;
            'wrong '*) REFUSAL="the request is not in the protocol: ${request_line#wrong }" ;;
            'refuse '*) [ -n "$REFUSAL" ] || REFUSAL=${request_line#refuse } ;;
            *) put "$request_line" >>"$TX/out" ;;
        esac
    done
    unset IFS
    set +f
    [ "$request_status" = 0 ] || [ -n "$REFUSAL" ] || REFUSAL='the files could not be staged; is the disk full or read-only?'
    [ -z "$REFUSAL" ]
}

# One call for all digests: what was staged is what was sent, and what is on the host is what the plan saw.
check_digests() {
    set -- "$BEFORE/spd"
    for digest_name in $MANAGED; do
        path_of "$digest_name"
        for digest_file in "$FILE" "$GEN/files/$digest_name" "$NEW/$digest_name"; do
            [ ! -f "$digest_file" ] || set -- "$@" "$digest_file"
        done
    done
    # shellcheck disable=SC2086 # the words of the command
    parse_digests "$($SHA256 "$@" "$STATE"/agent/boot 2>/dev/null)"
    while read -r order_word order_name order_mode order_sum; do
        check_order_digest
    done <"$TX/orders"
    [ -z "$REFUSAL" ]
}

check_order_digest() {
    case $order_word in
        expect)
            path_of "$order_name"
            sum_of "$FILE"
            [ "$SUM" = "$order_sum" ] || REFUSAL="${FILE#"$ROOT"} is not as the plan saw it"
            ;;
        expect-spd)
            sum_of "$BEFORE/spd"
            [ "$SUM" = "$order_sum" ] || REFUSAL='the loaded policy is not as the plan saw it'
            ;;
        file | keep | stored)
            sum_of "$GEN/files/$order_name"
            [ "$SUM" = "$order_sum" ] || REFUSAL="the $order_word content of $order_name does not have its digest"
            [ "$order_word" = keep ] && return
            sum_of "$NEW/$order_name"
            [ "$SUM" = "$order_sum" ] || REFUSAL="$order_name could not be staged; is the disk full?"
            ;;
    esac
}

check_staged_syntax() {
    for syntax_name in ipsecinit.conf ipseckeys config; do
        [ -f "$NEW/$syntax_name" ] || continue
        check_syntax "$syntax_name" "$NEW/$syntax_name" && continue
        hide_keys "$syntax_name"
        REFUSAL="the host's own check refuses the new $syntax_name"
        return 1
    done
}

# What ipseckey said goes no further than as the kinds of its complaints.
hide_keys() { # name
    [ "$1" = ipseckeys ] || return 0
    awk -v job=complaints -v path="$TX/out" "$AWK_IPSEC" >"$TX/out.shown"
    mv -f "$TX/out.shown" "$TX/out"
}

# ---- the steps

# From `arm` on the host is changed only while the dead-man lives; whatever fails is taken back.
carry_out() {
    snapshot_and_arm || return
    for carry_step in read chmod keys policy ike; do
        case ,$T_STEPS, in
            *,"$carry_step",*) ;;
            *)
                step "$carry_step" skipped
                continue
                ;;
        esac
        step "$carry_step" begin
        FAILURE=
        if ! "step_$carry_step"; then
            fail_step "$carry_step" "${FAILURE:-it did not succeed}"
            return
        fi
        step "$carry_step" 'done'
    done
    step verify begin
    if ! verify_all; then
        fail_step verify "$FAILURE"
        return
    fi
    put verified >"$TX/verified"
    step verify 'done'
    set_reverts_in
    say "outcome id=$T_ID state=verified generation=$T_GENERATION reverts_in=$REVERTS_IN"
}

# What services in maintenance wrote last: their commands say nothing of why.
add_service_logs() {
    list_services "$TX/services"
    while read -r log_state log_fmri; do
        [ "$log_state" != maintenance ] || put_service_log "$log_fmri"
    done <"$TX/services"
}

# Takes the transaction back, unless the dead-man was quicker: then it tells how that ended.
fail_step() { # step text
    add_service_logs >>"$TX/out"
    say_output "$TX/out"
    step "$1" failed "$2"
    if claim reverting; then
        revert "$1" "$2" running
        say_known_outcome "$T_ID"
    else
        end_or_await "$T_ID"
    fi
}

# Copies of the managed files and the dead-man's start share a subshell, which ends as the copying.
snapshot_and_arm() {
    step snapshot begin
    set --
    for snapshot_name in $MANAGED; do
        path_of "$snapshot_name"
        [ ! -f "$FILE" ] || set -- "$@" "$FILE"
    done
    start_deadman "$@"
    snapshot_status=$?
    if [ "$T_FORMER" = none ]; then
        write_baseline_manifest || snapshot_status=1
    fi
    if [ "$snapshot_status" != 0 ]; then
        call_off snapshot 'the managed files could not be copied; is the disk full or read-only?'
        return 1
    fi
    put complete >"$BEFORE/complete"
    step snapshot 'done'
    step arm begin
    if ! deadman_is_proved; then
        call_off arm 'the dead-man did not prove itself alive'
        return 1
    fi
    sum_of "$STATE/agent/boot"
    state_in "$BEFORE/services" "$GUARD"
    if [ "$SUM" != "$DIGEST" ] || [ "$SERVICE_STATE" != online ]; then
        if ! install_guard; then
            call_off arm 'the boot guard could not be installed'
            return 1
        fi
    fi
    T_ARMED=$NOW
    if ! put "$NOW" >"$TX/armed"; then
        call_off arm 'could not write to the state folder'
        return 1
    fi
    if ! kill -0 "$deadman_pid" 2>/dev/null; then
        call_off arm 'the dead-man did not stay alive'
        return 1
    fi
    step arm 'done'
}

# Nothing was changed yet: the dead-man is sent away and all is as before.
call_off() { # step text
    step "$1" failed "$2"
    say_output "$TX/out"
    call_off_deadman=
    [ ! -f "$TX/deadman" ] || read -r call_off_deadman <"$TX/deadman"
    REFUSAL=$2
    discard
    stand_down "$call_off_deadman"
    refuse "$T_ID"
}

# The baseline tells what was on the host before us, as a generation without keys of ours.
write_baseline_manifest() {
    {
        put 'format 1'
        put 'generation 0'
        put 'run baseline'
        put "made $NOW_ISO"
        for baseline_name in $MANAGED; do
            path_of "$baseline_name"
            [ -f "$FILE" ] || continue
            sum_of "$FILE"
            # The mode a plan may ask for; the copy itself keeps the one the file had.
            put "file 0400 $SUM ${FILE#"$ROOT"}"
        done
    } >"$BEFORE/manifest"
}

# One rename each. The files were staged beside their places with their modes.
step_read() {
    move_staged "$ROOT/etc/inet" ipsecinit.conf && move_staged "$ROOT/etc/inet/secret" ipseckeys ike.preshared &&
        move_staged "$ROOT/etc/inet/ike" config || return 1
    while read -r order_word order_name order_rest; do
        [ "$order_word" = remove ] || continue
        path_of "$order_name"
        rm -f "$FILE" || return 1
    done <"$TX/orders"
}

move_staged() { # folder name ...
    move_folder=$1
    shift
    for move_name in "$@"; do
        shift
        [ ! -f "$NEW/$move_name" ] || set -- "$@" "$NEW/$move_name"
    done
    [ $# -gt 0 ] || return 0
    [ -d "$move_folder" ] || mkdir "$move_folder" || return 1
    mv -f "$@" "$move_folder/" 2>"$TX/out"
}

step_chmod() {
    for chmod_mode in 0400 0600; do
        set --
        while read -r order_word order_name order_mode order_rest; do
            case $order_word.$order_mode in
                file."$chmod_mode" | keep."$chmod_mode" | stored."$chmod_mode")
                    path_of "$order_name"
                    set -- "$@" "$FILE"
                    ;;
            esac
        done <"$TX/orders"
        [ $# -gt 0 ] || continue
        chmod "$chmod_mode" "$@" 2>"$TX/out" || return 1
    done
    chown_kept
}

# What we wrote is root's by birth; a file that stays may have come into other hands. In the lab its user stands for root.
chown_kept() {
    [ -z "$ROOT" ] || return 0
    set --
    while read -r order_word order_name order_rest; do
        [ "$order_word" = keep ] || continue
        path_of "$order_name"
        set -- "$@" "$FILE"
    done <"$TX/orders"
    [ $# -eq 0 ] || chown root:sys "$@" 2>"$TX/out"
}

# Only SAs that are not loaded are added. The service then has them for the next boot; its start loads the same file anew.
step_keys() {
    if [ -s "$TX/keys.add" ] && ! add_sas "$TX/keys.add"; then
        hide_keys ipseckeys
        FAILURE='the host did not take the SAs'
        return 1
    fi
    [ -f "$GEN/files/ipseckeys" ] || return 0
    change_service "$MANUAL_KEY"
}

# Makes a service online if it is not, and remembers that services were touched.
change_service() { # fmri
    state_in "$BEFORE/services" "$1"
    [ "$SERVICE_STATE" != online ] || return 0
    put "$1" >>"$TX/services.touched"
    bring_online "$1" "$SERVICE_STATE" && return 0
    FAILURE="$1 did not come online"
    return 1
}

step_policy() {
    path_of ipsecinit.conf
    if [ ! -f "$FILE" ]; then
        flush_policy
        return
    fi
    if ! replace_policy "$FILE"; then
        FAILURE='the host did not take the policy'
        return 1
    fi
    change_service "$POLICY"
}

step_ike() {
    [ "$T_IKE" != none ] || return 0
    put "$T_IKE" >"$TX/ike.touched"
    put "$IKE" >>"$TX/services.touched"
    state_in "$BEFORE/services" "$IKE"
    FAILURE="$T_IKE of $IKE failed"
    case $T_IKE.$SERVICE_STATE in
        stop.*) take_offline "$IKE" ;;
        restart.online) restart_service "$IKE" ;;
        *) bring_online "$IKE" "$SERVICE_STATE" ;;
    esac
}

# ---- verify: what is loaded and running, whatever the tools' exit statuses were

verify_all() {
    FAILURE=
    verify_keys=
    verify_sad=
    verify_rules=
    verify_ike=
    list_policy "$TX/listing" || FAILURE='the loaded policy cannot be listed'
    if [ -f "$GEN/files/ipseckeys" ]; then
        path_of ipseckeys
        verify_keys=$FILE verify_sad=$TX/sad
        list_sas "$TX/sad" || FAILURE='the loaded SAs cannot be listed'
    fi
    list_services "$TX/services"
    path_of config
    if [ -f "$FILE" ] && [ "$T_IKE" != stop ]; then
        verify_ike=1 verify_rules=$TX/rules
        list_daemon_rules "$TX/rules" || FAILURE='the IKE daemon does not answer'
    fi
    [ -z "$FAILURE" ] || return 1
    verify_policy=
    [ ! -f "$GEN/files/ipsecinit.conf" ] || verify_policy=1
    take_problems "$(awk -v job=verify -v listing="$TX/listing" -v wanted="$GEN/spd" -v sad="$verify_sad" -v keys="$verify_keys" \
        -v gen="$GEN" -v root="$ROOT" -v services="$TX/services" -v need_policy="$verify_policy" -v need_keys="$verify_sad" \
        -v need_ike="$verify_ike" -v rules="$verify_rules" -v config="$FILE" "$AWK_IPSEC" 2>&1)"
}

# FAILURE := the first problem awk named, all of them in $TX/out; the time it told is kept.
take_problems() { # output
    FAILURE=
    problem_checked=
    true >"$TX/out"
    set -f
    IFS=$nl
    for problem_line in $1; do
        case $problem_line in
            'now '*) set_time "${problem_line#now }" ;;
            checked) problem_checked=1 ;;
            *)
                put "${problem_line#problem }" >>"$TX/out"
                FAILURE=${FAILURE:-${problem_line#problem }}
                ;;
        esac
    done
    unset IFS
    set +f
    [ -n "$problem_checked" ] || FAILURE=${FAILURE:-the comparison did not come to its end}
    [ -z "$FAILURE" ]
}
