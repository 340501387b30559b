# Owns: the record of the open transaction, its journal, and how the host's tools are run for it.
#
# In $TX: about (who and what), orders (what the plan wants of each file), window, armed, verified, ending, journal, deadman.
# What stands there decides who is in charge, and each is made in one go:
#   armed     the dead-man is proved alive; from here on the host may be changed
#   verified  all is done and checked; only now can it be confirmed
#   reserve   room for the way back on a full disk
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

# Room that was put by before anything was changed: on a disk that is full, or has no inodes left, the way back needs some.
release_reserve() {
    [ -d "$TX/reserve" ] && rm -rf "$TX/reserve"
}

# Makes an empty file that says something by being there, with the help of the reserve if need be.
set_mark() { # file
    { true >"$1"; } 2>/dev/null && return 0
    release_reserve && { true >"$1"; } 2>/dev/null
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
