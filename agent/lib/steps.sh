# Owns: the order of the steps from the snapshot to "verified", and what each of them does.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

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
    if ! set_mark "$TX/verified"; then
        fail_step verify 'could not write to the state folder; is it read-only?'
        return
    fi
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
    # A copy that was told to be made and is not there would be taken for a file that was not there.
    for snapshot_file in "$@"; do
        [ -f "$BEFORE/files/${snapshot_file##*/}" ] || snapshot_status=1
    done
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
        if [ ! -f "$STATE/agent/boot" ] || [ -f "$STATE/agent/boot.new" ]; then
            call_off arm "the boot guard's agent could not be put in place"
            return 1
        fi
    fi
    # Should the power go, what is gone back to is on the disk before anything else is. Where there are pools ZFS keeps that order.
    [ -f "$ROOT/etc/zfs/zpool.cache" ] || sync
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
    call_off_deadman=${deadman_proof##* }
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
    chmod_files=
    for chmod_mode in 0400 0600; do
        set --
        while read -r order_word order_name order_mode order_rest; do
            # What was staged was born with 0400.
            case $order_word.$order_mode in
                keep."$chmod_mode") ;;
                file.0600 | stored.0600) [ "$chmod_mode" = 0600 ] || continue ;;
                *) continue ;;
            esac
            path_of "$order_name"
            set -- "$@" "$FILE"
            chmod_files="$chmod_files $order_name.$order_mode"
        done <"$TX/orders"
        [ $# -gt 0 ] || continue
        chmod "$chmod_mode" "$@" 2>"$TX/out" || return 1
    done
    chown_kept && check_modes
}

# Of the files whose mode was set, whatever chmod said of it.
check_modes() {
    [ -n "$chmod_files" ] || return 0
    set --
    for chmod_file in $chmod_files; do
        path_of "${chmod_file%.*}"
        set -- "$@" "$FILE"
    done
    chmod_listing=$(ls -ldn "$@" 2>/dev/null)
    for chmod_file in $chmod_files; do
        path_of "${chmod_file%.*}"
        chmod_line=${chmod_listing%%" $FILE"*}
        chmod_line=${chmod_line##*"$nl"}
        case ${chmod_file##*.}.$chmod_line in
            0400.-r--------* | 0600.-rw-------*) ;;
            *)
                FAILURE="the mode of ${FILE#"$ROOT"} was not set"
                return 1
                ;;
        esac
    done
}

# What we wrote is root's by birth; a file that stays may have come into other hands. In the lab the owner of its root folder stands for root.
chown_kept() {
    set --
    while read -r order_word order_name order_rest; do
        [ "$order_word" = keep ] || continue
        path_of "$order_name"
        set -- "$@" "$FILE"
    done <"$TX/orders"
    [ $# -gt 0 ] || return 0
    chown_to=root:sys
    [ -z "$ROOT" ] || set_owner_of_root
    chown "$chown_to" "$@" 2>"$TX/out"
}

set_owner_of_root() {
    set -f
    # shellcheck disable=SC2046 # the words of one line of ls
    set -- $(ls -ldn "$ROOT/")
    set +f
    chown_to=$3:$4
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

# Written down before it is done, or it is not done.
touch_services() {
    set_mark "$TX/services.touched" && return 0
    FAILURE='could not write to the state folder'
    return 1
}

# Makes a service online if it is not, and remembers that services were touched.
change_service() { # fmri
    state_in "$BEFORE/services" "$1"
    [ "$SERVICE_STATE" != online ] || return 0
    touch_services || return 1
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
    if ! change_policy "$FILE"; then
        FAILURE='the host did not take the policy'
        return 1
    fi
    change_service "$POLICY"
}

step_ike() {
    [ "$T_IKE" != none ] || return 0
    FAILURE='could not write to the state folder'
    set_mark "$TX/ike.touched" && touch_services || return 1
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
    while read -r order_word order_name order_rest; do
        [ "$order_word" = remove ] || continue
        path_of "$order_name"
        [ ! -f "$FILE" ] || FAILURE="${FILE#"$ROOT"} is still there"
    done <"$TX/orders"
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
    # What else came of it, such as a shell's word that awk was killed, is with the output.
    [ -n "$problem_checked" ] || FAILURE='the comparison did not come to its end'
    [ -z "$FAILURE" ]
}
