# Owns: `probe` and `counters`: flows tried from this host with whatever tools it has, and what its SAs have carried. Neither takes the
# lock, looks at a transaction or writes a file: a dead-man goes its own way meanwhile. All that is started is ended when its time is over.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

PROBE_MOST=64
# A try ends after this many seconds and another begins, so that a packet goes out that finds the SA which the first one asked for.
PROBE_TRY_SECONDS=3
# What ipseckey may take. One that took longer is not asked again in this session: it would hang for each request of a run.
COUNTERS_SECONDS=10
counters_hung=

# The block: a line `@try id= protocol= source= destination= port=` each, to the line #@end.
probe() { # word ...
    field deadline "$@"
    probe_deadline=$FIELD
    PROBES=
    probe_ids=
    probe_among=
    probe_count=0
    probe_wrong=
    probe_ended=
    if ! is_number "$probe_deadline" || [ "$probe_deadline" -lt 2 ] || [ "$probe_deadline" -gt 120 ]; then
        probe_wrong='deadline= is not a number of seconds from 2 to 120'
    fi
    while IFS= read -r probe_line; do
        if [ "$probe_line" = '#@end' ]; then
            probe_ended=1
            break
        fi
        [ -z "$probe_wrong" ] || continue
        set -f
        # shellcheck disable=SC2086 # the words of the line; no pattern in them is expanded
        set -- $probe_line
        set +f
        take_probe "$@" || probe_wrong="not a try: line $((probe_count + 1)) of the block"
    done
    [ -n "$probe_ended" ] || return 0
    if [ -n "$probe_wrong" ]; then
        say_error "$probe_wrong"
        return
    fi
    begin_section probe
    say_counters before "$probe_among"
    # An answer proves nothing without what the SAs carried before.
    if [ "$counters_status" -eq 0 ]; then
        try_all "$probe_deadline" 2>/dev/null |
            awk -v job=collect -v mark="$MARK" -v ids="$probe_ids" -v waited="$probe_deadline" "$AWK_IPSEC$nl$AWK_PROBE"
        say_counters after "$probe_among"
    fi
    end_section probe
}

# PROBES := one line more. Each word is looked at before it comes near a command line.
take_probe() { # @try word ...
    [ "${1-}" = '@try' ] && [ "$probe_count" -lt "$PROBE_MOST" ] || return 1
    field id "$@"
    probe_id=$FIELD
    is_name "$probe_id" || return 1
    case " $probe_ids " in *" $probe_id "*) return 1 ;; esac
    field source "$@"
    probe_source=$FIELD
    field destination "$@"
    probe_destination=$FIELD
    is_address "$probe_source" && is_address "$probe_destination" || return 1
    field port "$@"
    probe_port=$FIELD
    field protocol "$@"
    case $FIELD in
        tcp) is_number "$probe_port" && [ "$probe_port" -ge 1 ] && [ "$probe_port" -le 65535 ] || return 1 ;;
        icmp) [ -z "$probe_port" ] || return 1 ;;
        *) return 1 ;;
    esac
    probe_count=$((probe_count + 1))
    probe_ids="$probe_ids $probe_id"
    probe_among="$probe_among${probe_among:+,}$probe_source,$probe_destination"
    PROBES="$PROBES$probe_id $FIELD $probe_source $probe_destination $probe_port$nl"
}

is_address() { # text
    case $1 in
        *[!0-9a-fA-F.:]*) return 1 ;;
        *[.:]*) [ "${#1}" -le 45 ] ;;
        *) return 1 ;;
    esac
}

counters() { # addresses with commas, or nothing
    case $1 in
        *[!0-9a-fA-F.:,]*)
            say_error 'among= is no list of addresses'
            return
            ;;
    esac
    say_counters counters "$1"
}

# Of the SAs, never their keys: -p hides them in the tool already, and awk takes four words of each.
say_counters() { # section addresses
    begin_section "$1"
    if [ -n "$counters_hung" ]; then
        end_section "$1" "$counters_status"
        return
    fi
    {
        awk -v job=counters -v among="$2" "$AWK_IPSEC$nl$AWK_PROBE" </dev/null &
        counters_pid=$!
        end_after "$COUNTERS_SECONDS" "$counters_pid" </dev/null >/dev/null &
        counters_watch=$!
        wait "$counters_pid"
        counters_status=$?
        kill -s TERM "$counters_watch"
    } 2>/dev/null
    # Ended by us.
    [ "$counters_status" -le 128 ] || counters_hung=1
    end_section "$1" "$counters_status"
}

# ---- the tries of one request, each a process of its own

# Prints a line for each that is worth telling: `answer ID open|closed MEANS TEXT`, `note ID MEANS TEXT` as long as nothing came,
# `spent ID TEXT` where no means is left.
try_all() { # seconds
    try_pids=
    set -f
    IFS=$nl
    for try_line in $PROBES; do
        unset IFS
        # shellcheck disable=SC2086 # the words of the line
        try_flow $try_line </dev/null &
        try_pids="$try_pids $!"
    done
    unset IFS
    set +f
    watch_tries "$1" "$try_pids" </dev/null >/dev/null &
    try_watch=$!
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$try_pids" ] || wait $try_pids
    kill -s TERM "$try_watch"
    # What was begun at the very moment of the end may live on for a little: it is not waited for.
    put over
}

# By one means after the other, until one can be used at all; again and again with that one until something comes.
try_flow() { # id protocol source destination port
    case $2 in
        tcp)
            flow_means='nc ksh93 ksh bash'
            flow_lacks='neither nc nor a shell that opens /dev/tcp is here'
            ;;
        *)
            flow_means='ping ping-routed ping-timeout'
            flow_lacks='ping is not here'
            ;;
    esac
    for flow_one in $flow_means; do
        has_means "${flow_one%%-*}" || continue
        put "note $1 ${flow_one%%-*}"
        while :; do
            try_once "$flow_one" "$3" "$4" "${5-}" | judge_try "$1" "$flow_one"
            case $? in
                0) return ;;
                1) sleep 1 ;;
                2) break ;;
                *) break 2 ;;
            esac
        done
    done
    put "spent $1 $flow_lacks"
}

# Under a root of its own (a lab, a test) a host has what lies there: the machine's tools would try the machine's network.
has_means() { # name
    [ -z "$ROOT" ] || [ -x "$ROOT/usr/bin/$1" ] || [ -x "$ROOT/usr/sbin/$1" ] || return 1
    command -v "$1" >/dev/null
}

# What the tool says, and how it ended. Options that nc of illumos, OpenBSD, Hobbit, GNU, nmap and busybox (where it has them) share;
# a means that does not know them says so and sends nothing. Waiting no longer than 2 s is not for all of them: illumos's nc waits for
# the kernel to give up. A shell and the pings of GNU inetutils and of illumos leave the source to routing; other pings would take the 2 of
# illumos's for one more host, so it comes last.
try_once() { # means source destination port
    # shellcheck disable=SC2016 # for the inner shell
    case $1 in
        nc) nc -v -n -z -w 2 -s "$2" "$3" "$4" ;;
        ksh93) ksh93 -c 'exec 3<>"/dev/tcp/$1/$2"' sh "$3" "$4" ;;
        ksh) ksh -c 'exec 3<>"/dev/tcp/$1/$2"' sh "$3" "$4" ;;
        bash) bash -c 'exec 3<>"/dev/tcp/$1/$2"' sh "$3" "$4" ;;
        ping) ping -q -c 1 -W 2 -I "$2" "$3" ;;
        ping-routed) ping -q -c 1 -W 2 "$3" ;;
        ping-timeout) ping "$3" 2 ;;
    esac 2>&1
    put "$nl#ended $?"
}

# Status 0: it is answered; 1: nothing came; 2: this means cannot try it; 3: nor can any other.
judge_try() { # id means
    judge_text=
    judge_status=1
    # To its own last line, not to the end of the pipe: what a tool leaves behind may hold that open.
    while IFS= read -r judge_line; do
        case $judge_line in
            '#ended '*)
                judge_status=${judge_line#'#ended '}
                break
                ;;
            *) [ "${#judge_text}" -gt 300 ] || judge_text="$judge_text $judge_line" ;;
        esac
    done
    is_number "$judge_status" || judge_status=1
    judge_means=${2%%-*}
    # Ended by us.
    [ "$judge_status" -le 128 ] || judge_text=
    judge_word=0
    case $judge_status.$2.$judge_text in
        *'assign requested address'* | *'bind failed'* | *'set multicast source'*) judge_word=3 ;;
        0.ping*' 0 received'* | 0.ping*' 0 packets received'* | 0.ping*'no answer'*) judge_word=1 ;;
        0.*[Rr]efused*) judge_word=2 ;;
        0.*)
            put "answer $1 open $judge_means $judge_text"
            return 0
            ;;
        *.ping*.*[Rr]efused*) judge_word=1 ;;
        *[Rr]efused*)
            put "answer $1 closed $judge_means $judge_text"
            return 0
            ;;
        126.* | 127.* | *[Uu]'sage:'* | *[Uu]'sage error'* | *[Ii]'llegal option'* | *[Ii]'nvalid option'* | *'nrecognized option'* | \
            *'nknown option'* | *'t parse '* | *'No such file'* | *'Not a directory'* | *'ot supported'* | *'nknown host'* | *'lookup failed'* | \
            *'ad address'* | *'not known'*) judge_word=2 ;;
        *) judge_word=1 ;;
    esac
    put "note $1 $judge_means $judge_text"
    return "$judge_word"
}

# ---- what ends them; each is told with SIGTERM that there is nothing left to end

# Tries that take too long end so that another can be made; at the end all of it.
watch_tries() { # seconds pids
    watch_former=$!
    trap 'end_sleep' TERM
    watch_left=$1
    while [ "$watch_left" -ge $((PROBE_TRY_SECONDS + 2)) ]; do
        watch_sleep "$PROBE_TRY_SECONDS"
        watch_left=$((watch_left - PROBE_TRY_SECONDS))
        # Below the process of a try stands what reads and judges; below that the tool.
        end_below 2 "$2"
    done
    watch_sleep "$watch_left"
    end_all "$2"
}

end_after() { # seconds pid
    watch_former=$!
    trap 'end_sleep' TERM
    watch_sleep "$1"
    end_all "$2"
}

# In naps: some shells do not hear a signal that comes just as they begin to wait.
watch_sleep() { # seconds
    watch_naps=$1
    while [ "$watch_naps" -gt 0 ]; do
        sleep 1 &
        wait "$!"
        watch_naps=$((watch_naps - 1))
    done
}

end_sleep() {
    [ "$!" = "$watch_former" ] || kill -s KILL "$!"
    exit 0
}

# Whoever waits for them goes on when the first of it has gone, and would end us before the last.
end_all() { # pids
    trap '' TERM
    end_below 0 "$1"
}

# Ends what is that many generations below those processes, and all below it, if it is of this agent: a number alone may be another's
# by now. Whoever starts others goes before them. Not stopped first: some shells take a child that is stopped for one that is over.
end_below() { # generations pids
    awk -v job=below -v depth="$1" -v roots="$2" -v agent="$$" "$AWK_IPSEC$nl$AWK_PROBE" | while read -r below_pid; do
        kill -s KILL "$below_pid"
    done
}
