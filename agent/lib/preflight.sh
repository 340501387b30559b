# Owns: a transaction's request: taken in, written down, and refused while nothing has been touched.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

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
    if ! mkdir "$TX" "$TX/reserve" "$NEW" "$NEW/was" "$GEN" "$GEN/files" "$BEFORE" "$BEFORE/files" 2>/dev/null; then
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

# Removes what an attempt has left that never armed or was taken back. Confirmed generations stay.
sweep() {
    # First what says that a transaction is open: a half removed snapshot must never be gone back to.
    rm -f "$TX/armed" "$TX/about"
    find_remains
    # shellcheck disable=SC2086 # numbers and our own names
    for sweep_folder in $REMAINS; do
        rm -rf "${GENERATIONS:?}/$sweep_folder"
    done
    # Twice, should somebody who asks at this moment have left a file there meanwhile.
    rm -rf "$TX" "$TX" "$NEW"
}

# REMAINS := what stands in the folder of generations and belongs to none that was ever confirmed.
find_remains() {
    REMAINS=
    for remains_folder in "$GENERATIONS"/*; do
        [ ! -d "$remains_folder" ] || [ -f "$remains_folder/confirmed" ] || REMAINS="$REMAINS ${remains_folder##*/}"
    done
    # What was left of a generation is known only once it is another's former.
    find_current
    [ ! -d "$GENERATIONS/$CURRENT/left" ] || REMAINS="$REMAINS $CURRENT/left"
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
    check_state_mode && check_limits || return 1
    check_targets && take_stock && read_request && check_digests && check_staged_syntax
}

# With a few files only, comparisons end early, on the way back too. The dead-man has the limit of this session.
check_limits() {
    # shellcheck disable=SC3045 # every shell we know has -n
    ulimit -n >"$TX/out" 2>/dev/null
    limit_files=
    read -r limit_files <"$TX/out"
    true >"$TX/out"
    # shellcheck disable=SC3045 # root may raise it
    if ! is_number "$limit_files" || [ "$limit_files" -ge 64 ] || ulimit -n 256 2>/dev/null; then
        return 0
    fi
    REFUSAL="this login may open $limit_files files at once (ulimit -n), and at least 64 are needed"
    return 1
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
