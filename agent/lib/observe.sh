# Owns: what the agent tells of the host without changing it: observe, read, fingerprints, status, generation.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

observe() {
    recover_unasked
    begin_section observe
    say_identity
    find_missing_tools
    if [ -n "$MISSING" ]; then
        say "fact name=platform text=unknown"
        say "fact name=missing text=$MISSING"
    else
        say "fact name=platform text=$PLATFORM"
    fi
    find_current
    say_current
    say_managed_files
    begin_section spd
    ipsecconf "$LISTING" 2>&1
    end_section spd "$?"
    observe_kernel_and_state
    observe_services
    end_section observe
}

# One call answers for both the host's name and its system.
say_identity() {
    identity=$(uname -snrvm)
    identity_rest=${identity#* }
    say "fact name=os text=${identity%% *} ${identity_rest#* }"
    say "fact name=hostname text=${identity_rest%% *}"
}

# `ls` and digests, with paths as the host knows them. The loader's digests are a moment old and serve once.
say_managed_files() {
    set --
    observe_odd=
    for observe_name in $MANAGED; do
        path_of "$observe_name"
        if [ -e "$FILE" ] || [ -h "$FILE" ]; then
            set -- "$@" "$FILE"
            [ -f "$FILE" ] || observe_odd=1
        fi
    done
    observe_ls=$(ls -ldn "$ROOT/" "$STATE" "$@" 2>/dev/null)
    set -f
    # shellcheck disable=SC2086 # the words of the first line
    say_owner $observe_ls
    set +f
    begin_section ls
    case $observe_ls in
        *"$nl"*) put_without_root "${observe_ls#*"$nl"}" ;;
    esac
    end_section ls
    begin_section digests
    # Whoever opens a pipe that somebody put in a file's place waits for ever: such are listed, and never opened.
    if [ -n "$observe_odd" ]; then
        set --
        for observe_name in $MANAGED; do
            path_of "$observe_name"
            [ ! -f "$FILE" ] || set -- "$@" "$FILE"
        done
    fi
    if [ $# -gt 0 ]; then
        # shellcheck disable=SC2086 # the words of the command
        [ -n "$LOADER_DIGESTS" ] || LOADER_DIGESTS=$($SHA256 "$@" 2>/dev/null)
        put_without_root "$LOADER_DIGESTS"
    fi
    LOADER_DIGESTS=
    end_section digests
}

# The root folder is ours, so its owner is who we are.
say_owner() { # words of ls for the root folder
    say "fact name=user text=${3-unknown}"
}

# Lines without the prefix of the lab, and without our own files.
put_without_root() { # lines
    set -f
    IFS=$nl
    for observe_line in $1; do
        case $observe_line in
            *"$STATE/agent/"*) continue ;;
            *" $STATE")
                case $observe_line in drwx------*) STATE_MODE_SEEN=1 ;; esac
                continue
                ;;
        esac
        case $ROOT in
            '') put "$observe_line" ;;
            *) put "${observe_line%%"$ROOT"/*}/${observe_line#*"$ROOT"/}" ;;
        esac
    done
    unset IFS
    set +f
}

# What one awk can tell together: the time, the open transaction, the manifest, the SAs.
observe_kernel_and_state() {
    observe_manifest=
    [ "$CURRENT" = none ] || observe_manifest=$GENERATIONS/$CURRENT/manifest
    path_of ipseckeys
    [ -f "$FILE" ] || FILE=/dev/null/none
    if transaction_is_open; then
        read_transaction
    else
        T_ID=
    fi
    awk -v job=observe -v mark="$MARK" -v keys="$FILE" -v manifest="$observe_manifest" -v tx_id="$T_ID" \
        -v tx_state="${T_STATE-}" -v tx_step="${T_STEP-}" -v tx_generation="${T_GENERATION-}" \
        -v armed="${T_ARMED-}" -v window="${T_WINDOW-}" "$AWK_IPSEC"
}

observe_services() {
    look_at_services
    begin_section services
    [ -z "$SERVICES" ] || put "$SERVICES"
    end_section services
    observed_daemon=absent
    case $SERVICES in
        *"$IKE"*) ! daemon_answers || observed_daemon=running ;;
    esac
    say "fact name=daemon text=$observed_daemon"
    set -f
    IFS=$nl
    for observe_line in $SERVICES; do
        case $observe_line in
            maintenance*)
                unset IFS
                say_service_log "svc:/${observe_line##*svc:/}"
                ;;
        esac
    done
    unset IFS
    set +f
}

say_current() {
    if [ "$CURRENT" = none ]; then
        say 'generation current=none'
    else
        read_generation "$CURRENT"
        say "generation current=$CURRENT run=$G_RUN confirmed=$G_CONFIRMED"
    fi
}

# A managed file as it is, its keys hidden.
read_file() { # path
    if ! name_of "$1"; then
        say_error 'that is no managed file'
        return
    fi
    path_of "$NAME"
    read_masked=0
    ! holds_keys "$NAME" || read_masked=1
    begin_section file "path=$1 masked=$read_masked"
    read_status=0
    if [ ! -f "$FILE" ]; then
        put 'there is no such file'
        read_status=1
    elif [ "$read_masked" = 1 ]; then
        awk -v job=mask -v name="$NAME" -v path="$FILE" "$AWK_IPSEC" || read_status=1
    else
        cat "$FILE" || read_status=1
    fi
    end_section file "$read_status"
}

# Keys of a file by their fingerprints. Salt and keys go through pipes alone: into no file, onto no command line.
fingerprints() { # path salt
    if ! name_of "$1" || ! holds_keys "$NAME"; then
        say_error 'that is no managed file with keys'
        return
    fi
    path_of "$NAME"
    begin_section fingerprints
    # A pipe, as what ksh93 captures goes through a temporary file, and a look writes none.
    [ ! -f "$FILE" ] ||
        put "$2" | awk -v job=keys -v name="$NAME" -v path="$FILE" -v digest="$SHA256" "$AWK_IPSEC" | say_fingerprints
    end_section fingerprints
}

# First the digests, as either tool words them, then what each is of.
say_fingerprints() {
    print_sums=
    while IFS= read -r print_line; do
        case $print_line in
            'key '*)
                print_sum=${print_sums%%,*}
                print_sums=${print_sums#*,}
                say "$print_line fingerprint=${print_sum%????????????????????????????????????????????????}"
                ;;
            *' = '*) print_sums=$print_sums${print_line##* }, ;;
            *) print_sums=$print_sums${print_line%% *}, ;;
        esac
    done
}

status() { # id or nothing
    recover_unasked
    begin_section status
    find_current
    say_current
    if transaction_is_open; then
        read_transaction
        take_time
        set_reverts_in
        say "transaction id=$T_ID state=$T_STATE step=$T_STEP generation=$T_GENERATION reverts_in=$REVERTS_IN"
    fi
    for status_file in "$GENERATIONS"/*/confirmed; do
        [ -f "$status_file" ] || continue
        status_number=${status_file%/confirmed}
        status_number=${status_number##*/}
        read_generation "$status_number"
        say "kept generation=$status_number run=$G_RUN made=$G_CONFIRMED"
    done
    if [ -f "$STATE/history" ]; then
        while read -r status_line; do
            say "history text=$status_line"
        done <"$STATE/history"
    fi
    [ -z "$1" ] || say_known_outcome "$1"
    end_section status
}

# G_RUN, G_CONFIRMED := who made a generation and when it was confirmed.
read_generation() { # number
    G_RUN=unknown
    G_CONFIRMED=unknown
    [ ! -s "$GENERATIONS/$1/confirmed" ] || read -r G_RUN G_CONFIRMED <"$GENERATIONS/$1/confirmed"
}

# CURRENT := the confirmed generation with the highest number, or `none`.
find_current() {
    CURRENT=none
    for current_file in "$GENERATIONS"/*/confirmed; do
        current_number=${current_file%/confirmed}
        current_number=${current_number##*/}
        is_number "$current_number" || continue
        if [ "$CURRENT" = none ] || [ "$current_number" -gt "$CURRENT" ]; then
            CURRENT=$current_number
        fi
    done
}

generation() { # number
    begin_section generation
    if ! is_number "$1" || [ ! -f "$GENERATIONS/$1/confirmed" ]; then
        end_section generation 1
        return
    fi
    begin_section manifest
    cat "$GENERATIONS/$1/manifest"
    end_section manifest
    for generation_name in ipsecinit.conf config; do
        [ -f "$GENERATIONS/$1/files/$generation_name" ] || continue
        path_of "$generation_name"
        begin_section file "path=${FILE#"$ROOT"}"
        cat "$GENERATIONS/$1/files/$generation_name"
        end_section file
    done
    end_section generation
}
