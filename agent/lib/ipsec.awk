# Owns: reading what is too large or too intricate for the shell: listings of policy and SAs, key files, requests.
# One process does one job, named by -v job=...; keys go from file to file and are never printed.

# ---- values

# Seconds since 1970. srand() seeds with the time and answers the seed before.
function seconds(    t) {
    srand()
    t = srand()
    if (t < 1000000000) {
        "date -u +%s" | getline t
        close("date -u +%s")
    }
    return t + 0
}

# ISO 8601, UTC.
function iso(t,    day, era, year, month) {
    day = int(t / 86400)
    t -= day * 86400
    day += 719468
    era = int(day / 146097)
    day -= era * 146097
    year = int((day - int(day / 1460) + int(day / 36524) - int(day / 146096)) / 365)
    day -= 365 * year + int(year / 4) - int(year / 100)
    month = int((5 * day + 2) / 153)
    day -= int((153 * month + 2) / 5) - 1
    year += era * 400
    month += month < 10 ? 3 : -9
    if (month <= 2) year++
    return sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, int(t / 3600), int(t / 60) % 60, t % 60)
}

# An SPI in any notation as 0x and lower-case digits without leading zeros.
function spi_of(text,    digits, rest, i) {
    text = tolower(text)
    if (text ~ /^0x/) {
        digits = substr(text, 3)
    } else {
        digits = ""
        rest = text ~ /^0/ ? 0 : text + 0
        if (text ~ /^0/) for (i = 2; i <= length(text); i++) rest = rest * 8 + substr(text, i, 1)
        for (; rest >= 1; rest = int(rest / 16)) digits = substr("0123456789abcdef", rest % 16 + 1, 1) digits
    }
    sub(/^0+/, "", digits)
    return "0x" (digits == "" ? "0" : digits)
}

# An IPv6 address with all its eight groups, so that two spellings of one are equal; IPv4 as it is.
function address_of(text,    halves, head, tail, h, t, i, all) {
    text = tolower(text)
    sub(/\/.*/, "", text)
    if (text !~ /:/ || text ~ /\./) return text
    h = t = 0
    if (split(text, halves, "::") == 2) {
        h = split(halves[1], head, ":")
        t = split(halves[2], tail, ":")
        for (i = h + 1; i <= 8 - t; i++) head[i] = "0"
        for (i = 1; i <= t; i++) head[8 - t + i] = tail[i]
    } else {
        split(text, head, ":")
    }
    all = ""
    for (i = 1; i <= 8; i++) {
        sub(/^0+/, "", head[i])
        all = all (i > 1 ? ":" : "") (head[i] == "" ? "0" : head[i])
    }
    return all
}

# The addresses that a word of a key file stands for: itself, or what the hosts table says of the name. to[1..n]; answers n.
function addresses_of(text, to,    n) {
    for (n in to) delete to[n]
    to[1] = text
    if (text ~ /:/ || text ~ /^[0-9.]*$/) return 1
    if (!names_read++) read_names(ENVIRON["IPSEC_AGENT_ROOT"] "/etc/inet/hosts")
    n = split(named[tolower(text)], to, " ")
    if (n == 0) to[n = 1] = text
    return n
}

function read_names(path,    line, word, n, i) {
    while ((getline line < path) > 0) {
        sub(/#.*/, "", line)
        n = split(line, word, " ")
        for (i = 2; i <= n; i++) named[tolower(word[i])] = named[tolower(word[i])] " " word[1]
    }
    close(path)
}

# Hex digits of a key without 0x and without /bits, in lower case.
function key_of(text) {
    text = tolower(text)
    sub(/^0x/, "", text)
    sub(/\/[0-9]*$/, "", text)
    return text
}

function without_parity(digits,    i, out) {
    out = ""
    for (i = 1; i <= length(digits); i++)
        out = out (i % 2 ? substr(digits, i, 1) : substr("0022446688aaccee", index("0123456789abcdef", substr(digits, i, 1)), 1))
    return out
}

function key_bits(text) {
    return text ~ /\/[0-9]+$/ ? substr(text, index(text, "/") + 1) + 0 : length(key_of(text)) * 4
}

function is_absent(path,    line, there) {
    there = (getline line < path)
    close(path)
    return there < 0
}

# ---- SAs: sets by name ("loaded", "file", "former"), each an ordered list of identities

# One line of a key file or of `ipseckey -s`; a backslash at its end joins it to the next.
function take_sa_line(set, line) {
    if (line ~ /^[ \t]*#/) return
    if (line ~ /\\$/) {
        pending[set] = pending[set] substr(line, 1, length(line) - 1) " "
        return
    }
    line = pending[set] line
    pending[set] = ""
    take_sa(set, line)
}

function take_sa(set, line,    word, n, i, name, value, type, dst, src, from) {
    n = split(line, word, /[ \t\r]+/)
    i = word[1] == "" ? 2 : 1
    if (word[i] != "add") return
    type = tolower(word[i + 1])
    for (name in said) delete said[name]
    for (i += 2; i < n; i += 2) {
        name = word[i]
        value = word[i + 1]
        gsub(/"/, "", value)
        if (name ~ /^(saddr|srcaddr|src6|saddr6|srcaddr6)$/) name = "src"
        if (name ~ /^(daddr|dstaddr|dst6|daddr6|dstaddr6)$/) name = "dst"
        if (name == "encralg") name = "encr_alg"
        if (name == "authalg") name = "auth_alg"
        said[name] = value
    }
    if (said["spi"] == "" || said["dst"] == "") return
    # A name may stand for several addresses: an SA to each that is of the family of the source.
    from = addresses_of(said["src"], src) == 1 && src[1] != "" ? src[1] ~ /:/ : 2
    n = addresses_of(said["dst"], dst)
    for (i = 1; i <= n; i++) if (n == 1 || from == 2 || from == (dst[i] ~ /:/)) note_sa(set, line, type, src[1], dst[i])
}

function note_sa(set, line, type, src, dst,    id) {
    id = type " " spi_of(said["spi"]) " " address_of(dst)
    if ((set, id) in sa_key) return
    sa_id[set, ++sa_count[set]] = id
    # The kernel sets the parity bits of DES keys right without a word.
    sa_key[set, id] = (said["encr_alg"] ~ /des/ ? without_parity(key_of(said["encrkey"])) : key_of(said["encrkey"])) \
        "." key_of(said["authkey"])
    sa_text[set, id] = line
    sa_src[set, id] = src
    sa_dst[set, id] = tolower(dst)
    sa_encr[set, id] = said["encr_alg"]
    sa_auth[set, id] = said["auth_alg"]
    sa_encrkey[set, id] = said["encrkey"]
    sa_authkey[set, id] = said["authkey"]
    # What in.iked negotiated has a lifetime and is negotiated again by itself.
    sa_static[set, id] = !(said["hard_addtime"] + said["hard_usetime"] + said["hard_bytes"])
    sa_hard[set, id] = limit_word("add", said["hard_addtime"]) limit_word("use", said["hard_usetime"]) \
        limit_word("bytes", said["hard_bytes"])
}

function limit_word(name, limit) {
    return limit ~ /^[0-9]+$/ && limit + 0 > 0 ? " hard_" name "=" limit : ""
}

function read_sas(set, path,    line) {
    if (path == "") return
    while ((getline line < path) > 0) take_sa_line(set, line)
    close(path)
    take_sa_line(set, "")
}

# Type, SPI and destination as the file or listing wrote it.
function sa_name(set, id,    part) {
    split(id, part, " ")
    return part[1] " " part[2] " " sa_dst[set, id]
}

function delete_line(set, id,    part) {
    split(id, part, " ")
    return "delete " part[1] " spi " part[2] (part[3] ~ /:/ ? " dst6 " : " dst ") sa_dst[set, id]
}

# ---- loaded policy

# `ipsecconf -Ln` in `path` to rule[1..n] in canonical order; returns n, or -1 when there is no such file. LISTING_IS_CUT := whether it
# ends before the rule of its last number: what came after is not known then, and may be anything.
function read_listing(path, rule,    line, n, at, key, gap, i, j, k, r, status) {
    n = 0
    at = ""
    LISTING_IS_CUT = 0
    while ((status = (getline line < path)) > 0) {
        sub(/[ \t]+$/, "", line)
        if (line ~ /^#INDEX /) {
            at = substr(line, 8)
            sub(/^ +/, "", at)
            i = index(at, ",")
            at = (i ? substr(at, 1, i) : "") SUBSEP sprintf("%015d", substr(at, i + 1))
            LISTING_IS_CUT = 1
        } else if (line ~ /^\{/) {
            key[++n] = at
            rule[n] = line
            LISTING_IS_CUT = 0
        } else if (line ~ /^#/) LISTING_IS_CUT = 1
    }
    close(path)
    if (status < 0) return -1
    for (gap = int(n / 2); gap >= 1; gap = gap == 2 ? 1 : int(gap / 2.2)) {
        for (i = gap + 1; i <= n; i++) {
            k = key[i]
            r = rule[i]
            for (j = i; j > gap && key[j - gap] > k; j -= gap) {
                key[j] = key[j - gap]
                rule[j] = rule[j - gap]
            }
            key[j] = k
            rule[j] = r
        }
    }
    return n
}

# Says what is missing from and extra in the loaded policy, at most five rules of each; returns whether they are equal.
function compare_policy(listing, wanted_path,    loaded, n, m, line, i, same, wanted, excess, said_n) {
    n = read_listing(listing, loaded)
    same = 1
    m = 0
    while ((getline line < wanted_path) > 0) {
        m++
        if (loaded[m] != line) same = 0
        wanted[m] = line
        excess[line]++
    }
    close(wanted_path)
    if (LISTING_IS_CUT) {
        print "problem the listing of the loaded policy was cut off after " n " rules, " m " expected"
        return 0
    }
    if (same && n == m) return 1
    for (i = 1; i <= n; i++) excess[loaded[i]]--
    said_n = 0
    for (i = 1; i <= m; i++)
        if (excess[wanted[i]] > 0 && said_n < 5) {
            print "problem rule not loaded: " wanted[i]
            excess[wanted[i]]--
            said_n++
        }
    said_n = 0
    for (i = 1; i <= n; i++)
        if (excess[loaded[i]] < 0 && said_n < 5) {
            print "problem rule loaded that should not be: " loaded[i]
            excess[loaded[i]]++
            said_n++
        }
    print "problem " n " rules loaded, " m " expected" (n == m ? ", or in another order" : "")
    return 0
}

# ---- job observe: -v mark keys manifest tx_id tx_state tx_step tx_generation armed window

function print_file(path,    line) {
    while ((getline line < path) > 0) print line
    close(path)
}

function observe(    now) {
    now = seconds()
    print mark " fact name=time text=" iso(now)
    say_transaction(now)
    say_manifest()
    take_loaded_sas()
    read_sas("file", keys)
    say_sas()
}

function say_transaction(now,    left) {
    if (tx_id == "") return
    left = armed == "" ? window + 0 : armed + window - now
    print mark " transaction id=" tx_id " state=" tx_state " step=" tx_step " generation=" tx_generation \
        " reverts_in=" (left < 0 ? 0 : left > window + 0 ? window + 0 : left)
}

function say_manifest() {
    if (manifest == "") return
    print mark " begin manifest"
    print_file(manifest)
    print "\n" mark " end manifest status=0"
}

# The set "loaded"; SAS_STATUS tells whether ipseckey could list them. Not every awk knows how a command ended, but a save
# begins with a comment, be there SAs or none.
function take_loaded_sas(    command, line, said) {
    command = "exec ipseckey -n -s - 2>/dev/null"
    while ((command | getline line) > 0) {
        said = 1
        take_sa_line("loaded", line)
    }
    SAS_STATUS = close(command) || !said
    take_sa_line("loaded", "")
}

# The set "loaded" against the set "file"; what is in sa_more[id] comes after each.
function say_sas(    i, id, line) {
    print mark " begin sad"
    for (i = 1; i <= sa_count["loaded"]; i++) {
        id = sa_id["loaded", i]
        line = sa_name("loaded", id)
        if (sa_encr["loaded", id] != "") line = line " encr=" sa_encr["loaded", id]
        if (sa_auth["loaded", id] != "") line = line " auth=" sa_auth["loaded", id]
        if (!(("file", id) in sa_key)) line = line " key=unlisted"
        else line = line " key=" (sa_key["file", id] == sa_key["loaded", id] ? "same" : "differs")
        if (sa_src["loaded", id] != "") line = line " src=" sa_src["loaded", id]
        print line sa_more[id]
    }
    for (i = 1; i <= sa_count["file"]; i++) {
        id = sa_id["file", i]
        if (!(("loaded", id) in sa_key)) print "missing " sa_name("file", id)
    }
    print "\n" mark " end sad status=" (SAS_STATUS ? 1 : 0)
}

# ---- job request: -v request tx gen new before gens root listing sad keys former
# Takes the transaction block apart, stages every file twice (for the generation and beside its place) and compares SAs.

function base_of(path) {
    if (path !~ /^\/etc\/inet\/(ipsecinit\.conf|ike\/config|secret\/ipseckeys|secret\/ike\.preshared)$/) {
        wrong("no managed file: " path)
        return ""
    }
    sub(/.*\//, "", path)
    return path
}

function wrong(text) {
    if (!wrong_said) print "wrong " text
    wrong_said = 1
}

function installed(name) {
    return root "/etc/inet/" (name == "ipsecinit.conf" ? "" : name == "config" ? "ike/" : "secret/") name
}

# Fields of a directive into arg[]; each must have the form the protocol gives it.
function read_fields(line,    word, n, i, at) {
    for (at in arg) delete arg[at]
    n = split(line, word, " ")
    for (i = 2; i <= n; i++) {
        at = index(word[i], "=")
        if (at < 2) wrong("not a field: " word[i])
        else arg[substr(word[i], 1, at - 1)] = substr(word[i], at + 1)
    }
}

function is_sum(text) {
    return length(text) == 64 && text !~ /[^0-9a-f]/
}

function begin_file(kind, line,    name) {
    read_fields(line)
    name = base_of(arg["path"])
    if (name == "") return
    if (name in source) wrong("twice: " arg["path"])
    if (kind != "remove" && (arg["mode"] !~ /^0[46]00$/ || !is_sum(arg["sha256"]))) wrong("mode or digest of " arg["path"])
    if (kind == "stored" && arg["from"] !~ /^[0-9]+$/) wrong("generation of " arg["path"])
    source[name] = kind
    print kind " " name " " arg["mode"] " " arg["sha256"] > (tx "/orders")
    if (kind == "keep") copy_lines(installed(name), name, 0)
    if (kind == "stored") copy_lines(gens "/" arg["from"] "/files/" name, name, 1)
    if (kind == "file") staged = name
}

function stage_line(name, line, beside) {
    print line > (gen "/files/" name)
    if (beside) print line > (new "/" name)
    if (name == "ipseckeys") take_sa_line("file", line)
    if (name == "ipsecinit.conf" && line ~ /^[^#]*\{/) has_rules = 1
    lines_of[name]++
}

function copy_lines(from, name, beside,    line) {
    while ((getline line < from) > 0) stage_line(name, line, beside)
    close(from)
    if (!lines_of[name]) wrong("nothing to take for " name)
    close(gen "/files/" name)
    if (beside) close(new "/" name)
}

function end_content() {
    if (staged != "") {
        close(gen "/files/" staged)
        close(new "/" staged)
        if (!lines_of[staged]) wrong("empty file: " staged)
    }
    staged = ""
    content = ""
}

function take_request_line(line,    word) {
    if (line ~ /^\|/) {
        line = substr(line, 2)
        if (staged != "") stage_line(staged, line, 1)
        else if (content != "") {
            print line > ((content == "change" ? tx : gen) "/" content)
            content_lines[content]++
        } else wrong("content without a file")
        return
    }
    end_content()
    word = line
    sub(/ .*/, "", word)
    if (word == "@file" || word == "@keep" || word == "@stored" || word == "@remove") begin_file(substr(word, 2), line)
    else if (word == "@spd" || word == "@manifest" || word == "@change") content = substr(word, 2)
    else if (word == "@expect" || word == "@expect-spd") {
        read_fields(line)
        if (!is_sum(arg["sha256"]) && !(arg["sha256"] == "absent" && word == "@expect")) wrong("digest of " line)
        if (word == "@expect-spd") print "expect-spd - - " arg["sha256"] > (tx "/orders")
        else print "expect " base_of(arg["path"]) " - " arg["sha256"] > (tx "/orders")
    } else if (line != "") wrong("not understood: " word)
}

# Room for the listings and marks of the way back: as much as they take now and will then, and sixteen files.
function put_by(    i, line, size) {
    for (i = 1; i <= 16; i++) {
        printf "" > (tx "/reserve/" i)
        close(tx "/reserve/" i)
    }
    line = sprintf("%1023s", "")
    size = 64 + 4 * sa_count["loaded"] + sa_count["file"] + reserve_lines
    for (i = 1; i <= size; i++) print line > (tx "/reserve/room")
    close(tx "/reserve/room")
}

# A second copy of each managed file, beside its place, for when there will be no room to make one.
function keep_beside(name,    line, from, to) {
    from = installed(name)
    to = new "/was/" name
    if (is_absent(from)) return
    printf "" > to
    while ((getline line < from) > 0) print line > to
    close(from)
    close(to)
}

function request_job(    line, now, rule, n, i, complete, name) {
    now = seconds()
    print "now " now " " iso(now)
    printf "" > (tx "/orders")
    printf "" > (gen "/spd")
    printf "" > (gen "/manifest")
    while ((getline line < request) > 0) {
        if (line == "#@end") complete = 1
        else take_request_line(line)
    }
    end_content()
    if (!complete) wrong("the request was cut off")
    if (!content_lines["manifest"]) wrong("no manifest")
    close(tx "/orders")
    close(gen "/spd")
    close(gen "/manifest")
    if (source["ipsecinit.conf"] ~ /^(file|keep|stored)$/ && (!has_rules || !content_lines["spd"]))
        print "refuse the policy file holds no rule: a file without rules means clear traffic"
    n = read_listing(listing, rule)
    printf "" > (before "/spd")
    for (i = 1; i <= n; i++) print rule[i] > (before "/spd")
    close(before "/spd")
    compare_sas()
    for (i = split("ipsecinit.conf ipseckeys config ike.preshared", name, " "); i >= 1; i--) keep_beside(name[i])
    reserve_lines = n + content_lines["spd"]
    put_by()
}

# keys.add: SAs of the new file that are not loaded; keys.retire: those that only the former file had.
function compare_sas(    i, id, conflicts) {
    take_sa_line("file", "")
    read_sas("loaded", sad)
    read_sas("former", former)
    for (i = 1; i <= sa_count["file"]; i++) {
        id = sa_id["file", i]
        if (!(("loaded", id) in sa_key)) {
            print sa_text["file", id] > (tx "/keys.add")
            print delete_line("file", id) > (tx "/keys.added")
        } else if (sa_key["file", id] != sa_key["loaded", id] && conflicts++ < 5)
            print "refuse SA " sa_name("file", id) " is loaded with another key; a new key needs a new SPI"
    }
    for (i = 1; i <= sa_count["former"]; i++) {
        id = sa_id["former", i]
        if (("loaded", id) in sa_key && !(("file", id) in sa_key)) print delete_line("former", id) > (tx "/keys.retire")
    }
}

# ---- job verify: -v listing wanted sad keys gen root services need_policy need_keys need_ike rules config light

function check_state(fmri, what,    i) {
    if (service[fmri] != "online") print "problem service " fmri " is " (service[fmri] == "" ? "not there" : service[fmri]) what
}

function read_services(path,    line, word) {
    while ((getline line < path) > 0) {
        split(line, word, " ")
        sub(/^svc:\//, "", word[2])
        service[word[2]] = word[1]
    }
    close(path)
}

# Whether a staged file is in its place byte for byte, as far as lines can tell.
function same_lines(a, b,    line, other, more, there) {
    while ((more = (getline line < a)) > 0) {
        there = (getline other < b)
        if (there <= 0 || line != other) break
    }
    if (more == 0) there = (getline other < b)
    close(a)
    close(b)
    return more == 0 && there == 0
}

function check_files(    n, name, i) {
    n = split("ipsecinit.conf ipseckeys config ike.preshared", name, " ")
    for (i = 1; i <= n; i++) {
        if (is_absent(gen "/files/" name[i])) continue
        if (!same_lines(gen "/files/" name[i], installed(name[i]))) print "problem file " installed(name[i]) " is not what was staged"
    }
}

function check_sas(    i, id, said_n) {
    read_sas("loaded", sad)
    read_sas("file", keys)
    said_n = 0
    for (i = 1; i <= sa_count["file"]; i++) {
        id = sa_id["file", i]
        if (("loaded", id) in sa_key && sa_key["loaded", id] == sa_key["file", id]) continue
        if (++said_n > 5) continue
        print "problem SA " (("loaded", id) in sa_key ? "loaded with another key: " : "not loaded: ") sa_name("file", id)
    }
    if (said_n > 5) print "problem " said_n " SAs of the key file in all are not loaded as they should be"
}

# Labels of the rules the daemon has (rules) and of those in its file (config).
function check_labels(    line, have, want, label, n) {
    while ((getline line < rules) > 0)
        if (match(line, /[Ll]abel *[\047"][^\047"]*[\047"]/)) {
            line = substr(line, RSTART, RLENGTH)
            gsub(/^[Ll]abel *[\047"]|[\047"]$/, "", line)
            have[line] = 1
            n++
        }
    close(rules)
    if (!n) return
    while ((getline line < config) > 0) {
        sub(/^[ \t]*#.*/, "", line)
        if (match(line, /(^|[ \t{])label[ \t]+"[^"]*"/)) {
            line = substr(line, RSTART, RLENGTH)
            sub(/^[^"]*"/, "", line)
            sub(/"$/, "", line)
            want[line] = 1
        }
    }
    close(config)
    for (label in want) if (!(label in have)) print "problem daemon does not have the IKE rule " label ": it is out of step with its file"
    for (label in have) if (!(label in want)) print "problem daemon has the IKE rule " label ", which its file has not: it is out of step"
}

function verify(    now) {
    now = seconds()
    print "now " now " " iso(now)
    compare_policy(listing, wanted)
    if (light) return
    check_files()
    if (sad != "") check_sas()
    read_services(services)
    if (need_policy) check_state("network/ipsec/policy:default", ": the policy would be gone after a reboot")
    if (need_keys) check_state("network/ipsec/manual-key:default", ": the keys would be gone after a reboot")
    if (need_ike) check_state("network/ipsec/ike:default", "")
    if (rules != "") check_labels()
}

# ---- job undo: -v sad former_sad added former fix
# What brings the SAs back to the snapshot: those the transaction added go, static ones that are missing come again.

function undo(    line, i, id, word) {
    read_sas("loaded", sad)
    read_sas("snapshot", former_sad)
    read_sas("former", former)
    while ((getline line < added) > 0) {
        split(line, word, " ")
        id = word[2] " " word[4] " " address_of(word[6])
        # One of the former file belongs to the former generation, whether or not its listing showed it.
        if (("former", id) in sa_key) continue
        if (("loaded", id) in sa_key && !(("snapshot", id) in sa_key)) say_fix(line, "SA is still there: " sa_name("loaded", id))
    }
    close(added)
    for (i = 1; i <= sa_count["snapshot"]; i++) {
        id = sa_id["snapshot", i]
        if (!sa_static["snapshot", id] && !(("former", id) in sa_key)) continue
        if (("loaded", id) in sa_key && sa_key["loaded", id] == sa_key["snapshot", id]) continue
        if (("loaded", id) in sa_key) say_fix(delete_line("loaded", id), "SA has another key: " sa_name("loaded", id))
        say_fix(sa_text["snapshot", id], "SA is not back: " sa_name("snapshot", id))
    }
}

# ---- job retire: -v sad retire left. Which of the SAs to be deleted are still loaded, and their number.

function retire_job(    line, word, n) {
    read_sas("loaded", sad)
    while ((getline line < retire) > 0) {
        split(line, word, " ")
        if (!(("loaded", word[2] " " spi_of(word[4]) " " address_of(word[6])) in sa_key)) continue
        print line > left
        n++
    }
    close(retire)
    close(left)
    print "left " n + 0
}

# With `fix` it goes into that file, without it is a problem.
function say_fix(command, text) {
    if (fix != "") print command > fix
    else print "problem " text
}

# ---- job mask: -v name path; job keys: -v name path digest, and the salt on standard input

# Every key of a file as `[key]`; layout and comments stay. What follows a key word is masked whatever it is, also on the next line,
# and also where only a hasty reader would see a key: files made by hand come in odd ways.
function mask(    line, out, word, key, at, open_word, open_quote, comment) {
    # A string: a regular expression between slashes is a comparison of its own wherever it is not an operand.
    key = name == "ipseckeys" ? "(encrkey|authkey)([ \t=:]+[^ \t=:\\\\][^ \t\\\\]*|[ \t=:]*\\\\?$)" \
        : "(^|[ \t{])key([ \t=:]+[^ \t=:}][^ \t}]*|[ \t=:]*$)"
    while ((getline line < path) > 0) {
        sub(/\r$/, "", line)
        out = ""
        comment = line ~ /^[ \t]*#/
        # A quoted value may hold blanks and ends of lines, so it goes before words are looked at.
        if (!open_quote || sub(/^[^"]*"/, "[key]", line)) {
            gsub(/"[^"]*"/, "[key]", line)
            open_quote = sub(/"[^"]*$/, "[key]", line) && !comment
        } else line = "[key]"
        if (comment) gsub(/[Kk][Ee][Yy][ \t=:]+(0[Xx])?[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]+/, "key [key]", line)
        else if (open_word && line ~ /[^ \t\\]/) {
            match(line, /[^ \t\\]+/)
            out = substr(line, 1, RSTART - 1) "[key]"
            line = substr(line, RSTART + RLENGTH)
            open_word = line ~ /^\\$/
        }
        while (!comment && !open_word && match(tolower(line), key)) {
            word = substr(line, RSTART, RLENGTH)
            out = out substr(line, 1, RSTART - 1)
            line = substr(line, RSTART + RLENGTH)
            at = match(tolower(word), /key[ \t=:]*/) + RLENGTH
            # A backslash after a key that is not apart from it: the rest of the key comes on the next line.
            open_word = at > length(word) || substr(word, at) == "\\" || line ~ /^\\$/
            out = out (at > length(word) || substr(word, at) == "\\" ? word : substr(word, 1, at - 1) "[key]")
        }
        # What else is hexadecimal and longer than an SPI might be a key that was written in a way of its own.
        gsub(/[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]+/, "[key]", line)
        print out line
    }
}

# Salt and key through a pipe to the digest tool, whose answer goes straight to the output; what each is of comes after all of them.
function emit_key(fields, key) {
    printf "%s\n%s\n", salt, key_of(key) | digest
    close(digest)
    emitted_fields[++emitted] = "key " fields " bits=" key_bits(key)
}

function say_emitted(    i) {
    for (i = 1; i <= emitted; i++) print emitted_fields[i]
}

function list_keys(    i, id, part, line, word, n, at) {
    if (name == "ipseckeys") {
        read_sas("file", path)
        for (i = 1; i <= sa_count["file"]; i++) {
            id = sa_id["file", i]
            split(id, part, " ")
            line = "kind=sa type=" part[1] " spi=" part[2] " dst=" sa_dst["file", id]
            if (sa_encrkey["file", id] != "") emit_key(line " part=encr", sa_encrkey["file", id])
            if (sa_authkey["file", id] != "") emit_key(line " part=auth", sa_authkey["file", id])
        }
        return
    }
    while ((getline line < path) > 0) {
        if (line ~ /^[ \t]*#/) continue
        gsub(/[{}]/, " & ", line)
        n = split(line, word, /[ \t]+/)
        for (i = 1; i <= n; i++) {
            if (word[i] == "{") for (at in said) delete said[at]
            else if (word[i] == "}") emit_key("kind=psk local=" said["localid"] " remote=" said["remoteid"], said["key"])
            else if (word[i] != "" && at_name == "") at_name = word[i]
            else if (word[i] != "") {
                said[at_name] = word[i]
                at_name = ""
            }
        }
    }
}

# ---- job complaints: -v path. What ipseckey said of a file, without a word of the file: it repeats commands, keys included.

function complaints(    line, near, text) {
    while ((getline line < path) > 0) {
        if (match(line, /near line [0-9]+/)) near = substr(line, RSTART, RLENGTH)
        text = ""
        if (match(line, /PF_KEY Diagnostic code [0-9]+/)) text = substr(line, RSTART, RLENGTH)
        else if (line ~ /already exists/) text = "association already exists"
        else if (line ~ /not a hex value/) text = "a key is not hexadecimal"
        else if (line ~ /is too big for/) text = "more bits than digits"
        else if (line ~ /Unknown (encryption|authentication) algorithm/) text = "unknown algorithm"
        else if (line ~ /Unknown (address|SA type|extension field|command)/) text = "unknown word or address"
        else if (line ~ /insecure permissions/) text = "insecure permissions"
        else if (line ~ /too big|overrun/) text = "line too long"
        else if (line ~ /[Ii]nsufficient privilege/) text = "insufficient privileges"
        else if (line ~ /did not contain any valid SAs/) text = "no valid SA in the file"
        else if (line ~ /Must have|Need |Select at least|Can only specify|Cannot specify|is missing/) text = "incomplete command"
        if (text != "" && shown++ < 10) print "ipseckey: " text (near == "" ? "" : ", " near)
    }
    if (!shown) print "ipseckey failed without a word that may be repeated"
}

BEGIN {
    if (job == "observe") observe()
    else if (job == "request") request_job()
    else if (job == "verify") {
        verify()
        # Without this word, whatever came was cut off.
        print "checked"
    }
    else if (job == "undo") undo()
    else if (job == "retire") retire_job()
    else if (job == "mask") mask()
    else if (job == "keys") {
        getline salt
        list_keys()
        say_emitted()
    }
    else if (job == "complaints") complaints()
    else if (job == "policy") exit !compare_policy(listing, wanted)
    else if (job == "time") {
        moment = seconds()
        print moment, iso(moment)
    }
}
