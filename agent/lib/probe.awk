# Owns: what probes need that is too intricate for the shell: reading counters of SAs, gathering answers, finding processes. Needs ipsec.awk.

# ---- job counters: -v among

# Of `ipseckey dump`: type, SPI, addresses and bytes of each SA. A line each; two of one identity (an SA that the kernel holds both
# ways) are one. Status 1 when the listing did not come to its end.
function say_counters(    command, line, id, i, done, word, n, known) {
    command = "exec ipseckey -n -p dump 2>/dev/null"
    while ((command | getline line) > 0) {
        if (line ~ /^Base message /) {
            take_counted()
            counted_type = line ~ /SA type ESP\./ ? "esp" : line ~ /SA type AH\./ ? "ah" : ""
        } else if (match(line, /SADB_ASSOC spi=0x[0-9a-fA-F]+/)) {
            counted_spi = spi_of(substr(line, RSTART + 15, RLENGTH - 15))
            # Not an SA yet: somebody waits for one.
            if (line ~ /state=LARVAL/) counted_type = ""
        } else if (line ~ /^SRC: AF_INET6?: /) counted_src = dumped_address(line)
        else if (line ~ /^DST: AF_INET6?: /) counted_dst = dumped_address(line)
        else if (line ~ /^CLT: [0-9]+ bytes /) {
            split(line, word, " ")
            counted_bytes = word[2]
        } else if (line ~ /^Dump succeeded/) done = 1
    }
    close(command)
    take_counted()
    n = split(among, word, ",")
    for (i = 1; i <= n; i++) known[address_of(word[i])] = 1
    for (i = 1; i <= counted_n; i++) {
        id = counted_id[i]
        if (n && counted_n > 256 && !((address_of(from_of[id]) in known) && (address_of(to_of[id]) in known))) continue
        print id " bytes=" bytes_of[id] (from_of[id] == "" ? "" : " src=" from_of[id])
    }
    exit !done
}

function take_counted(    id) {
    if (counted_type != "" && counted_spi != "" && counted_dst != "" && counted_bytes != "") {
        id = counted_type " " counted_spi " " counted_dst
        if (id in bytes_of) bytes_of[id] = sprintf("%.0f", bytes_of[id] + counted_bytes)
        else {
            counted_id[++counted_n] = id
            bytes_of[id] = counted_bytes
            from_of[id] = counted_src
            to_of[id] = counted_dst
        }
    }
    counted_type = counted_spi = counted_src = counted_dst = counted_bytes = ""
}

# `SRC: AF_INET: port 0, 10.0.0.1.`, perhaps with `/24` or a name after it; nothing for an address that is not given.
function dumped_address(line) {
    sub(/^.*: port [0-9]+, /, "", line)
    sub(/[ \/].*/, "", line)
    sub(/\.$/, "", line)
    return line ~ /^[0-9a-fA-F.:]+$/ && line !~ /^(0\.0\.0\.0|::)$/ ? line : ""
}

# ---- job collect: -v mark ids waited; from the standard input, what the tries say

function say_answers(    line, word, id, i, n, rest, order) {
    while ((getline line) > 0 && line != "over") {
        split(line, word, " ")
        id = word[2]
        rest = line
        sub(/^[^ ]+ [^ ]+ ?/, "", rest)
        if (word[1] == "answer" && !(id in answer_of)) {
            answer_of[id] = word[3]
            means_of[id] = word[4]
            sub(/^[^ ]+ [^ ]+ ?/, "", rest)
            text_of[id] = rest
        } else if (word[1] == "note") {
            means_of[id] = word[3]
            sub(/^[^ ]+ ?/, "", rest)
            text_of[id] = rest
        } else if (word[1] == "spent" && !(id in answer_of)) {
            answer_of[id] = "untried"
            means_of[id] = ""
            if (tidy(text_of[id]) == "") text_of[id] = rest
        }
    }
    n = split(ids, order, " ")
    for (i = 1; i <= n; i++) {
        id = order[i]
        rest = tidy(text_of[id])
        if (!(id in answer_of)) {
            answer_of[id] = "silent"
            if (rest == "") rest = "nothing came in " waited " s"
        }
        print mark " answer id=" id " answer=" answer_of[id] (means_of[id] == "" ? "" : " means=" means_of[id]) " text=" rest
    }
}

function tidy(text) {
    gsub(/[^ -~]+/, " ", text)
    gsub(/  +/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return substr(text, 1, 200)
}

# ---- job below: -v depth roots agent; prints the numbers of processes, parents first

function say_below(    command, line, root, word, n, i, pid, at, steps, found, deepest, depth_of) {
    command = "exec ps -e -o pid= -o ppid= -o args= 2>/dev/null"
    while ((command | getline line) > 0) note_parent(line)
    close(command)
    if (!parents) {
        command = "exec ps -o pid,ppid,args 2>/dev/null"
        while ((command | getline line) > 0) note_parent(line)
        close(command)
    }
    n = split(roots, word, " ")
    for (i = 1; i <= n; i++) root[word[i]] = 1
    for (pid in parent_of) {
        found = -1
        at = pid
        for (steps = 0; steps < 64 && (at in parent_of) && at != agent; steps++) {
            if (found < 0 && (at in root)) found = steps
            at = parent_of[at]
        }
        if (found < depth + 0 || at != agent) continue
        depth_of[pid] = found
        if (found > deepest) deepest = found
    }
    for (i = depth + 0; i <= deepest; i++)
        for (pid in depth_of) if (depth_of[pid] == i) print pid
}

function note_parent(line,    word) {
    split(line, word, " ")
    if (word[1] !~ /^[0-9]+$/ || word[2] !~ /^[0-9]+$/) return
    parent_of[word[1]] = word[2]
    parents++
}

BEGIN {
    if (job == "counters") say_counters()
    else if (job == "collect") say_answers()
    else if (job == "below") say_below()
}
