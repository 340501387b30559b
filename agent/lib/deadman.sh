# Owns: the process that takes a transaction back when nobody confirms it, and finding and ending processes.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# Starts the dead-man apart from this session, and copies the managed files given into the snapshot: one subshell for both.
# The dead-man's first words come back through its pipe. The status is that of the copying.
start_deadman() { # file ...
    deadman_token=$T_ID.$$.$NOW
    case ${KSH_VERSION-} in
        *93* | *2020*)
            # ksh93 does not wait for all that a command substitution's processes say, but reads a pipeline's end by itself.
            launch_deadman copy-first "$@" | read -r deadman_proof
            deadman_copied=1
            read -r deadman_copied <"$TX/copied"
            return "$deadman_copied"
            ;;
        *) deadman_proof=$(launch_deadman copy-last "$@") ;;
    esac
}

launch_deadman() { # copy-first|copy-last file ...
    # shellcheck disable=SC3045 # every shell we know has -c
    ulimit -c 0 2>/dev/null
    launch_order=$1
    shift
    if [ "$launch_order" = copy-first ]; then
        launch_status=0
        [ $# -eq 0 ] || cp -p "$@" "$BEFORE/files/" 2>"$TX/out" || launch_status=1
        put "$launch_status" >"$TX/copied"
        set --
    fi
    {
        # As itself, with no shell of its own before it that would hold the pipe.
        exec nohup "$AGENT_SHELL" "$AGENT" deadman "$T_ID" "$deadman_token" </dev/null 2>/dev/null
    } &
    [ $# -gt 0 ] || exit 0
    exec cp -p "$@" "$BEFORE/files/" 2>"$TX/out"
}

# It said its token and its process id over the pipe, and it is there.
deadman_is_proved() {
    case $deadman_proof in
        "$deadman_token "*) deadman_pid=${deadman_proof#"$deadman_token "} ;;
        *) return 1 ;;
    esac
    # By the word, not the token: some `ps` cut a command line off before that.
    is_number "$deadman_pid" && put "$deadman_pid $WORD" >"$TX/deadman" && kill -0 "$deadman_pid"
}

# Tells the dead-man to look up: it leaves when its transaction is gone. URG harms nobody who does not expect it,
# should the number by now belong to another process. One that is gone needs no telling: that is no failure.
stand_down() { # pid
    ! is_number "$1" || kill -s URG "$1" 2>/dev/null
    return 0
}

# The dead-man itself. It sleeps for the window, not until a time of day.
deadman() { # id token
    trap '' HUP INT PIPE TERM
    trap : URG
    put "$2 $$"
    exec >/dev/null 2>&1
    deadman_turns=0
    deadman_pause=30
    while :; do
        deadman_wanted=0
        read -r deadman_wanted <"$TX/window" || leave
        if [ "$deadman_slept" -lt "$deadman_wanted" ]; then
            sleep_unless_over $((deadman_wanted - deadman_slept)) "$1" deadman
            deadman_slept=$deadman_wanted
            continue
        fi
        # A claim of its own that led to no end: it was cut short, and begins anew.
        read_ender
        [ -f "$TX/failed" ] || [ "$ender_pid" != $$ ] || rm -f "$TX/ending"
        deadman_fires "$1" && leave
        # The revert did not verify: again and again, whatever stands in its way may go.
        if [ -f "$TX/failed" ]; then
            sleep_unless_over "$deadman_pause" "$1" deadman
            [ "$deadman_pause" -ge 1800 ] || deadman_pause=$((deadman_pause * 2))
        elif [ "$deadman_slept" -ge "$deadman_wanted" ]; then
            sleep 1
        fi
    done
}

deadman_has_work() { # id
    deadman_id=
    [ -f "$TX/about" ] && read -r deadman_id deadman_rest <"$TX/about" && [ "$deadman_id" = "$1" ]
}

# Whether a revert is still at work; it is over for now when it has failed.
revert_has_work() { # id
    [ ! -f "$TX/failed" ] && deadman_has_work "$1"
}

# Sleeps, and ends the process when it is woken and there is nothing left to wait for.
sleep_unless_over() { # seconds id deadman|revert
    sleep "$1" &
    deadman_sleep=$!
    while kill -0 "$deadman_sleep" 2>/dev/null; do
        wait "$deadman_sleep"
        "${3}_has_work" "$2" && continue
        kill -s KILL "$deadman_sleep" 2>/dev/null
        leave
    done
}

leave() {
    deadman_left=1
    exit 0
}

# As the shell's last act. Where no process can be made some shells end, whatever they are at (dash, busybox, yash); becoming
# oneself again takes none. Many times, since without a process there is no waiting either, but not for ever.
begin_anew() { # id token
    [ -z "$deadman_left" ] && [ "$deadman_begun" -lt 100000 ] || return 0
    exec "$AGENT_SHELL" "$AGENT" deadman "$1" "$2" "$deadman_slept" "$((deadman_begun + 1))"
}

# Beside a revert: ends what its process has been waiting for at two looks, a minute apart.
watch_tools() { # id pid
    trap : URG
    watched=
    while :; do
        sleep_unless_over 60 "$1" revert
        watched_before=$watched
        watch_self=
        [ ! -s "$TX/watch" ] || read -r watch_self <"$TX/watch"
        list_processes
        end_todo=
        add_children "$2"
        watched=" $end_todo "
        # The watch is a child as well.
        is_number "$watch_self" || continue
        for watched_pid in $watched; do
            case $watched_before in
                *" $watched_pid "*) [ "$watched_pid" = "$watch_self" ] || end_tree "$watched_pid" ;;
            esac
        done
    done
}

end_tree() { # pid
    end_descendants "$1"
    kill -s KILL "$1" 2>/dev/null
}

# Status 1: not over yet, look at the window again.
deadman_fires() { # id
    deadman_has_work "$1" || return 0
    read_transaction || return 0
    if ! transaction_is_open; then
        # Not armed, so nothing was changed. But as long as its agent lives it may still arm, and count on us.
        if agent_is_gone; then
            ! claim reverting || discard
            return 0
        fi
        return 1
    fi
    if [ -f "$TX/failed" ]; then
        take_up_failed || return 1
        end_agent
        end_as_begun running && [ ! -f "$TX/failed" ]
        return
    fi
    if ! claim reverting; then
        if ender_is_gone; then
            end_agent
            end_as_begun running && [ ! -f "$TX/failed" ]
            return
        fi
        # Somebody may have stopped it.
        ! is_number "$ender_pid" || kill -s CONT "$ender_pid" 2>/dev/null
        deadman_turns=$((deadman_turns + 1))
        # A revert has its own watch over tools that hang.
        if [ "$T_STATE" = confirming ] && [ "$deadman_turns" -ge 60 ]; then
            deadman_turns=0
            end_tool
            read_ender
            ! is_number "$ender_pid" || end_children "$ender_pid" "$ender_word"
        fi
        return 1
    fi
    read -r deadman_wanted <"$TX/window"
    if [ "$deadman_slept" -lt "$deadman_wanted" ]; then
        rm -f "$TX/ending"
        return 1
    fi
    end_agent
    [ ! -f "$TX/verified" ] || T_STEP=confirm
    revert "$T_STEP" 'not confirmed in time' running
    [ ! -f "$TX/failed" ]
}

# ---- processes

# PROCESSES := `pid ppid args` of every process.
list_processes() {
    PROCESSES=$(ps -e -o pid= -o ppid= -o args= 2>/dev/null) || PROCESSES=$(ps -o pid,ppid,args 2>/dev/null)
}

# Whether the process is there and its command line holds the word: a number alone may be another's by now.
process_runs() { # pid word
    kill -0 "$1" 2>/dev/null || return 1
    list_processes
    [ -n "$PROCESSES" ] || return 0
    process_line=
    set -f
    IFS=$nl
    for process_line in $PROCESSES; do
        unset IFS
        # shellcheck disable=SC2086 # the words of one line of ps
        process_is $process_line "$1" && break
        process_line=
    done
    unset IFS
    set +f
    case $process_line in
        *"$2"*) return 0 ;;
        *) return 1 ;;
    esac
}

process_is() { # pid ppid args... wanted
    process_pid=$1
    shift $(($# - 1))
    [ "$process_pid" = "$1" ]
}

agent_is_gone() {
    ! is_number "$T_AGENT" || [ "$T_AGENT" = $$ ] || ! process_runs "$T_AGENT" "$T_WORD"
}

# Whoever made `ending` is no longer there to end anything.
ender_is_gone() {
    read_ender
    if [ -z "$ender_pid" ]; then
        # Made at this moment and not yet written; or the disk is full.
        sleep 1
        read_ender
    fi
    [ -f "$TX/ending" ] || return 1
    ! is_number "$ender_pid" || { [ "$ender_pid" != $$ ] && ! process_runs "$ender_pid" "$ender_word"; }
}

read_ender() {
    ender_what=
    ender_pid=
    ender_word=
    [ ! -f "$TX/ending" ] || read -r ender_what ender_pid ender_word <"$TX/ending"
}

# Ends the agent that may still be in the middle of a step, and all it started, before anything is taken back.
# One that has come to "verified" has nothing more to do with the transaction; a confirm that waits for a tool goes on without.
end_agent() {
    if [ ! -f "$TX/verified" ] && is_number "$T_AGENT" && [ "$T_AGENT" != $$ ] && process_runs "$T_AGENT" "$T_WORD"; then
        # Stopped, it starts nothing more that the list would not have.
        kill -s STOP "$T_AGENT" 2>/dev/null
        list_processes
        end_descendants "$T_AGENT"
        kill -s KILL "$T_AGENT" 2>/dev/null
    fi
    end_tool
    confirmer=
    [ ! -s "$TX/confirmer" ] || read -r confirmer confirmer_word <"$TX/confirmer"
    [ "$confirmer" = $$ ] || end_children "$confirmer" "${confirmer_word-}"
}

# Ends what a process of ours waits for, not itself.
end_children() { # pid word
    is_number "$1" && process_runs "$1" "$2" && end_descendants "$1"
}

# Ends the tool that somebody waits for.
end_tool() {
    end_tool_pid=
    [ ! -s "$TX/tool" ] || read -r end_tool_pid end_tool_name <"$TX/tool"
    if is_number "$end_tool_pid" && process_runs "$end_tool_pid" "$end_tool_name"; then
        end_descendants "$end_tool_pid"
        kill -s KILL "$end_tool_pid" 2>/dev/null
    fi
    true >"$TX/tool"
}

# Children first stopped from having more, then theirs. The dead-man itself and what it started are spared.
end_descendants() { # pid
    end_todo=$1
    while [ -n "$end_todo" ]; do
        set -f
        # shellcheck disable=SC2086 # a list of numbers
        set -- $end_todo
        set +f
        end_todo=
        for end_parent in "$@"; do
            add_children "$end_parent"
        done
        for end_child in $end_todo; do
            kill -s KILL "$end_child" 2>/dev/null
        done
    done
}

add_children() { # pid
    set -f
    IFS=$nl
    for process_line in $PROCESSES; do
        unset IFS
        # shellcheck disable=SC2086 # the words of one line of ps
        add_if_child "$1" $process_line
    done
    unset IFS
    set +f
}

add_if_child() { # parent pid ppid args...
    [ "$3" = "$1" ] && [ "$2" != $$ ] && end_todo="$end_todo $2"
    return 0
}
