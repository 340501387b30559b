# Owns: what of `drift` comes from tools of the host and from files: each tool is asked once, through a pipe, and nothing is written.
# After ipsec.awk, whose SAs and values it uses. Paths to list are the operands; digests and the shipped manifest of the
# guard come in the environment, where lines may be long. A quote is \047 here, as the whole is quoted in the shell.

function quoted(text,    piece, n, i, out) {
    n = split(text, piece, "\047")
    out = "\047" piece[1]
    for (i = 2; i <= n; i++) out = out "\047\\\047\047" piece[i]
    return out "\047"
}

# A line with its first path as the host knows it, without the prefix of the lab.
function without_root(line,    at) {
    at = root == "" ? 0 : index(line, root "/")
    return at ? substr(line, 1, at - 1) substr(line, at + length(root)) : line
}

function is_managed(path) {
    return path ~ /^\/etc\/inet\/(ipsecinit\.conf|ike\/config|secret\/(ipseckeys|ike\.preshared))( -> .*)?$/
}

function say_uname(    command, line, word, n, i, os) {
    command = "exec uname -snrvm 2>/dev/null"
    command | getline line
    close(command)
    n = split(line, word, " ")
    os = word[1]
    for (i = 3; i <= n; i++) os = os " " word[i]
    print mark " fact name=os text=" os
    print mark " fact name=hostname text=" word[2]
}

# ---- files

# `ls` with the long dates of illumos or of GNU, else with short ones; the owner of the root folder is who we are.
function say_listing(    options, files, command, line, lines, n, i, path, word, others, user) {
    options[1] = ls_options
    options[2] = ls_options ~ /E/ ? "-ldn --full-time" : "-dnE"
    options[3] = "-ldn"
    for (i = 1; i < ARGC; i++) files = files " " quoted(ARGV[i])
    for (i = 1; i <= 3 && !n; i++) {
        command = "exec ls " options[i] files " 2>/dev/null"
        while ((command | getline line) > 0) lines[++n] = without_root(line)
        close(command)
    }
    print mark " begin ls"
    for (i = 1; i <= n; i++) {
        path = substr(lines[i], index(lines[i], "/"))
        if (path == "/") {
            split(lines[i], word, " ")
            user = word[3]
        } else if (is_managed(path)) print lines[i]
        else others = others lines[i] "\n"
    }
    print "\n" mark " end ls status=0"
    print mark " begin others"
    print others "\n" mark " end others status=0"
    print mark " fact name=user text=" (user == "" ? "unknown" : user)
}

# Of the managed files; that of the script of the guard by the way. What the loader saw a moment ago serves here.
function say_digests(    path, text, files, command, line, lines, n, i, sum) {
    text = ENVIRON["DRIFT_DIGESTS"]
    if (text == "") {
        files = " " quoted(state "/agent/boot")
        for (i = 1; i < ARGC; i++) {
            path = without_root(ARGV[i])
            if (is_managed(path) && !index(odd, " " path " ")) files = files " " quoted(ARGV[i])
        }
        command = "exec " digest files " 2>/dev/null"
        while ((command | getline line) > 0) text = text line "\n"
        close(command)
    }
    print mark " begin digests"
    n = split(text, lines, "\n")
    for (i = 1; i <= n; i++) {
        line = without_root(lines[i])
        if (index(line, "/agent/boot)") || line ~ /\/agent\/boot$/) {
            sum = line
            if (sum ~ / = /) sub(/.* = /, "", sum)
            else sub(/ .*/, "", sum)
            guard_script = sum
        } else if (line != "" && !index(line, "/agent/")) print line
    }
    print "\n" mark " end digests status=0"
}

function say_guard(    path, line, text, there) {
    # Where a script is the guard it runs by its link.
    path = guard_link == "" ? guard_file : guard_link
    while ((getline line < path) > 0) {
        there = 1
        text = text (text == "" ? "" : "\n") line
    }
    close(path)
    guard_is_in_place = there && text == ENVIRON["DRIFT_GUARD"]
    print mark " guard script=" (guard_script == "" ? "absent" : guard_script) " shipped=" (guard_script == agent ? "yes" : "no") \
        " manifest=" (!there ? "absent" : guard_is_in_place ? "same" : "differs")
}

# The last `count` lines of a file into tail[]; returns how many there are.
function read_tail(path, count, tail,    line, ring, n, i, from) {
    while ((getline line < path) > 0) ring[n++ % count] = line
    close(path)
    from = n > count ? n - count : 0
    for (i = from; i < n; i++) tail[i - from + 1] = ring[i % count]
    return n - from
}

# What the generation has to load, and the rules that only earlier ones had: what is loaded besides was never ours.
function say_recorded_rules(    folder, number, path, line, status, seen, tries) {
    if (manifest == "") return
    folder = manifest
    sub(/\/manifest$/, "", folder)
    number = folder
    sub(/^.*\//, "", number)
    sub(/\/[0-9]*$/, "", folder)
    path = folder "/" number "/spd"
    print mark " begin applied-policy"
    while ((status = (getline line < path)) > 0) {
        print line
        seen[line] = 1
    }
    close(path)
    print "\n" mark " end applied-policy status=" (status < 0 ? 1 : 0)
    print mark " begin earlier-policy"
    for (number--; number >= 0 && tries++ < 50; number--) {
        path = folder "/" number "/spd"
        while ((getline line < path) > 0) {
            if (!(line in seen)) print line
            seen[line] = 1
        }
        close(path)
    }
    print "\n" mark " end earlier-policy status=0"
}

# Drills that held are many, and no news: they must not push out what was confirmed.
function say_history(    tail, n, i, told, count) {
    n = read_tail(state "/history", 400, tail)
    for (i = n; i > 0 && count < 20; i--) {
        if (tail[i] !~ /^[^ ]* drill-[^ ]* reverted .*text=not confirmed in time$/) told[++count] = tail[i]
    }
    for (i = count; i > 0; i--) print mark " history text=" told[i]
}

# ---- services

# What boot scripts do, told as of services: policy is loaded whatever its file holds, keys and daemon go by their files.
function take_boot_states(fmri,    command, line, runs) {
    command = "exec pgrep -x -u 0 in.iked 2>/dev/null"
    while ((command | getline line) > 0) runs = 1
    close(command)
    set_state(fmri[1], 1, 1)
    set_state(fmri[2], !is_absent(keys), !is_absent(keys))
    set_state(fmri[3], runs, !is_absent(config))
    if (guard_is_in_place) set_state(fmri[4], 1, 1)
}

function set_state(fmri, is_online, is_enabled) {
    property[fmri, "restarter/state"] = is_online ? "online" : "disabled"
    property[fmri, "general/enabled"] = is_enabled ? "true" : "false"
}

# One call for states, since when, for how long, and the files they read; `svcs` for the states of a host whose svcprop is another.
function take_service_properties(    command, line, at, fmri, name, value) {
    command = "exec svcprop -p restarter/state -p restarter/next_state -p restarter/state_timestamp -p general/enabled" \
        " -p config/config_file " services " 2>/dev/null"
    while ((command | getline line) > 0) {
        at = index(line, "/:properties/")
        if (!at) continue
        fmri = substr(line, 1, at - 1)
        line = substr(line, at + 13)
        name = value = line
        sub(/ .*/, "", name)
        sub(/^[^ ]* [^ ]* ?/, "", value)
        property[fmri, name] = value
    }
    close(command)
}

function say_services(    command, line, at, value, wanted, n, i, others) {
    n = split(services, wanted, " ")
    if (guard_link == "") take_service_properties()
    else take_boot_states(wanted)
    if (property[wanted[1], "restarter/state"] == "") {
        command = "exec svcs -H -o state,fmri " services " 2>/dev/null"
        while ((command | getline line) > 0) {
            split(line, others, " ")
            property[others[2], "restarter/state"] = others[1]
        }
        close(command)
    }
    print mark " begin services"
    for (i = 1; i <= n; i++) {
        value = property[wanted[i], "restarter/state"]
        if (value == "") continue
        at = property[wanted[i], "restarter/next_state"]
        print value (at == "" || at == "none" ? "" : "*") " " wanted[i]
    }
    print "\n" mark " end services status=0"
    for (i = 1; i <= n; i++) if (property[wanted[i], "restarter/state"] != "") say_service(wanted[i])
}

function say_service(fmri,    line, value, tail, n, i) {
    line = mark " service fmri=" fmri
    value = property[fmri, "general/enabled"]
    if (value ~ /^(true|false)$/) line = line " enabled=" value
    value = property[fmri, "restarter/state_timestamp"]
    if (value ~ /^[0-9]+(\.[0-9]+)?$/) line = line " since=" iso(int(value))
    value = without_root(property[fmri, "config/config_file"])
    print line (value == "" ? "" : " text=" value)
    if (property[fmri, "restarter/state"] !~ /^maintenance/) return
    value = fmri
    sub(/^svc:\//, "", value)
    print mark " begin log service=" value
    gsub(/\//, "-", value)
    n = read_tail(root "/var/svc/log/" value ".log", 10, tail)
    for (i = 1; i <= n; i++) print without_long_hex(tail[i])
    print "\n" mark " end log status=0"
}

function without_long_hex(line,    digits, i) {
    for (i = 0; i < 16; i++) digits = digits "[0-9a-fA-F]"
    gsub(digits "+", "[masked]", line)
    return line
}

# ---- processes that should be there

function say_keepers(    command, line, word, n, i, about) {
    n = split(keepers, word, " ")
    if (!n) return
    command = "exec ps -e -o pid= -o ppid= -o args= 2>/dev/null"
    while ((command | getline line) > 0) note_process(line)
    close(command)
    if (!processes) {
        command = "exec ps -o pid,ppid,args 2>/dev/null"
        while ((command | getline line) > 0) note_process(line)
        close(command)
    }
    for (i = 1; i < n; i += 3) {
        about = !processes ? "unknown" : index(process[word[i + 1]], word[i + 2]) ? "alive" : "gone"
        print mark " keeper name=" word[i] " state=" about
    }
}

function note_process(line,    word) {
    split(line, word, " ")
    if (word[1] !~ /^[0-9]+$/) return
    process[word[1]] = line
    processes++
}

# ---- SAs with limits

# When the kernel removes those of our file that have a limit: only a dump tells, so it is asked for only where there is one.
function take_expiries(    i, id, wanted, command, line, type, spi, at, hit) {
    for (i = 1; i <= sa_count["loaded"]; i++) {
        id = sa_id["loaded", i]
        sa_more[id] = sa_hard["loaded", id]
        if (sa_more[id] != "" && ("file", id) in sa_key) wanted = 1
    }
    if (!wanted) return
    command = "exec ipseckey -n -p dump 2>/dev/null"
    while ((command | getline line) > 0) {
        if (match(line, /SA type [A-Za-z]+/)) {
            type = tolower(substr(line, RSTART + 8, RLENGTH - 8))
            id = ""
        } else if (match(line, /SADB_ASSOC spi=0x[0-9a-fA-F]+/)) spi = spi_of(substr(line, RSTART + 15, RLENGTH - 15))
        else if (line ~ /^DST: AF_INET6?: port [0-9]+, /) {
            sub(/^.*port [0-9]+, /, "", line)
            sub(/[ .]*$/, "", line)
            id = type " " spi " " address_of(line)
        } else if (id in sa_more && sa_more[id] !~ / expires=/) {
            if (match(line, /Hard expiration occurs in [0-9]+/)) sa_more[id] = sa_more[id] " expires=" substr(line, RSTART + 26, RLENGTH - 26)
            else if (line ~ /Hard expiration occurred/) sa_more[id] = sa_more[id] " expires=0"
        }
    }
    close(command)
}

# ---- the key daemon beside its file and the kernel

function say_daemon(    command, line, said, status, form, asked_at) {
    if (property[ike, "restarter/state"] == "") return
    # A daemon that hangs keeps whoever asks it: it is asked with a limit first.
    asked_at = seconds()
    command = "exec " limit "ikeadm get stats 2>/dev/null"
    while ((command | getline line) > 0) {
        if (line ~ /Unable to communicate/) break
        said = 1
        if (line ~ /^(Current|Total|Attempted|Failed):/) counters[substr(line, 1, index(line, ":") - 1)] = both_roles(line)
    }
    status = close(command)
    # 124 is the word of timeout(1); some awks tell it shifted, some not at all.
    if (said) form = "running"
    else form = status == 124 || status == 31744 || seconds() - asked_at >= 19 ? "hangs" : "absent"
    print mark " fact name=daemon text=" (form == "running" ? form : "absent")
    line = mark " daemon state=" form
    if ("Current" in counters && "Total" in counters && "Attempted" in counters && "Failed" in counters)
        line = line " current=" counters["Current"] " total=" counters["Total"] \
            " attempted=" counters["Attempted"] " failed=" counters["Failed"]
    print line
    if (form != "running" || tx_id != "") return
    if (!is_absent(config)) say_ike_rules()
    say_phase_one()
}

# `initiator:     1   responder:     2` together.
function both_roles(line,    n, rest) {
    for (rest = line; match(rest, /(initiator|responder): *[0-9]+/); rest = substr(rest, RSTART + RLENGTH))
        n += number_in(substr(rest, RSTART, RLENGTH))
    return n + 0
}

function number_in(text) {
    gsub(/[^0-9]/, "", text)
    return text + 0
}

# Addresses of a line, each with a blank around; IS_PLAIN is lost where one is a network or a range, whose spelling differs.
function addresses_in(line,    word, n, i, out, one) {
    gsub(/[,;(){}]/, " ", line)
    n = split(line, word, " ")
    for (i = 1; i <= n; i++) {
        one = word[i]
        sub(/\.$/, "", one)
        if (one == "-") IS_PLAIN = 0
        if (one !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/ && one !~ /^[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*/) continue
        sub(/\/(32|128)$/, "", one)
        if (one ~ /[\/-]/) IS_PLAIN = 0
        one = address_of(one)
        if (!index(out, " " one " ")) out = out " " one " "
    }
    return out
}

# Both are addresses with a blank around each, in any order.
function same_addresses(a, b,    word, n, i) {
    n = split(a, word, " ")
    for (i = 1; i <= n; i++) if (!index(b, " " word[i] " ")) return 0
    n = split(b, word, " ")
    for (i = 1; i <= n; i++) if (!index(a, " " word[i] " ")) return 0
    return 1
}

# What the daemon holds against its file, by label; addresses are compared where both write plain ones.
function say_ike_rules(    command, line, label, have, want, plain, order, n, i, state) {
    command = "exec ikeadm -n dump rule 2>/dev/null"
    while ((command | getline line) > 0) {
        if (match(line, /[Ll]abel *[\047"][^\047"]*[\047"]/)) {
            label = substr(line, RSTART, RLENGTH)
            gsub(/^[Ll]abel *[\047"]|[\047"]$/, "", label)
            if (!(label in have)) order[++n] = label
            have[label] = ""
            plain[label] = 1
        } else if (n && line ~ /^(LOCIP|REMIP):/) {
            IS_PLAIN = 1
            have[label] = have[label] addresses_in(line)
            if (!IS_PLAIN) plain[label] = 0
        }
    }
    close(command)
    read_ike_file(want, plain)
    for (i = 1; i <= n; i++) {
        label = order[i]
        state = "same"
        if (!(label in want)) state = "extra"
        else if (plain[label] && have[label] != "" && want[label] != "" && !same_addresses(have[label], want[label])) state = "differs"
        print mark " ike-rule state=" state " text=" label
    }
    for (label in want) if (!(label in have)) print mark " ike-rule state=missing text=" label
}

# want[label] := addresses of the rules of the file. Rules stand in braces, and braces of transforms in them.
function read_ike_file(want, plain,    line, word, n, i, depth, label, addresses, next_is) {
    while ((getline line < config) > 0) {
        sub(/^[ \t]*(#|\/\/).*/, "", line)
        if (match(line, /(^|[ \t{])label[ \t]+"[^"]*"/)) {
            label = substr(line, RSTART, RLENGTH)
            line = substr(line, 1, RSTART) substr(line, RSTART + RLENGTH)
            sub(/^[^"]*"/, "", label)
            sub(/"$/, "", label)
        }
        gsub(/[{}]/, " & ", line)
        n = split(line, word, " ")
        for (i = 1; i <= n; i++) {
            if (word[i] ~ /^#/) break
            if (word[i] == "{") depth++
            else if (word[i] == "}") {
                if (--depth == 0) {
                    if (label != "") want[label] = addresses
                    label = addresses = ""
                }
            } else if (next_is) {
                next_is = 0
                IS_PLAIN = word[i] ~ /^[0-9a-fA-F.:]+$/
                addresses = addresses addresses_in(word[i])
                if (!IS_PLAIN && label != "") plain[label] = 0
                if (!IS_PLAIN && label == "") addresses = addresses " ? "
            } else if (word[i] ~ /^(local_addr|remote_addr)$/) next_is = 1
        }
    }
    close(config)
    # A network before the label was known.
    for (label in want) if (index(want[label], "?")) plain[label] = 0
}

# Phase 1 by pair of addresses, and the negotiated SAs of the kernel each way: a daemon that the kernel no longer follows has
# the one without the other.
function say_phase_one(    command, line, pair, count, order, kernel, n, i, id, local, remote, part, part_of) {
    command = "exec ikeadm -n -p dump p1 2>/dev/null"
    while ((command | getline line) > 0) {
        if (line !~ /^(LOCIP|REMIP):/) continue
        part = addresses_in(line)
        gsub(/ /, "", part)
        if (part == "") continue
        if (line ~ /^L/) local = part
        else {
            pair = local " " part
            if (local != "" && !count[pair]++) order[++n] = pair
            local = ""
        }
    }
    close(command)
    for (i = 1; i <= sa_count["loaded"]; i++) {
        id = sa_id["loaded", i]
        if (sa_static["loaded", id]) continue
        split(id, part_of, " ")
        kernel[address_of(sa_src["loaded", id]) " " part_of[3]]++
    }
    for (i = 1; i <= n; i++) {
        split(order[i], part_of, " ")
        local = part_of[1]
        remote = part_of[2]
        print mark " phase-one local=" local " remote=" remote " count=" count[order[i]] \
            " out=" kernel[local " " remote] + 0 " in=" kernel[remote " " local] + 0
    }
}

function drift(    now) {
    now = seconds()
    print mark " fact name=time text=" iso(now)
    say_uname()
    say_transaction(now)
    say_manifest()
    say_recorded_rules()
    say_listing()
    say_digests()
    say_guard()
    take_loaded_sas()
    read_sas("file", keys)
    take_expiries()
    say_sas()
    say_services()
    say_keepers()
    say_daemon()
    say_history()
}

BEGIN {
    if (job == "drift") drift()
}
