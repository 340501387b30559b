# Owns: what a listing of loaded rules says of a change that goes rule by rule. After ipsec.awk; one process does one job.
# Whatever is rebuilt is deleted highest number first, so that it does not matter whether numbers stay with their rules or move up.

# The cover: it drops what no other rule meets, and only that (a drop is the weakest of all rules). Host bits behind a prefix of no
# length make it a selector of its own, which no rule of the policy is a duplicate of.
function is_cover(rule) {
    return rule ~ /^\{ laddr (192\.0\.2\.|2001:db8::)2[0-9][0-9]\/0 dir (in|out) \} drop \{ \}$/
}

# index_of[i], rule_of[i] of the listing, in the order of their numbers; returns how many.
function read_loaded(path,    line, n, at, i, j, k, r) {
    while ((getline line < path) > 0) {
        sub(/[ \t]+$/, "", line)
        if (line ~ /^#INDEX /) at = substr(line, 8) + 0
        else if (line ~ /^\{/) {
            index_of[++n] = at
            rule_of[n] = line
        }
    }
    close(path)
    for (i = 2; i <= n; i++) {
        k = index_of[i]
        r = rule_of[i]
        for (j = i; j > 1 && index_of[j - 1] > k; j--) {
            index_of[j] = index_of[j - 1]
            rule_of[j] = rule_of[j - 1]
        }
        index_of[j] = k
        rule_of[j] = r
    }
    return n + 0
}

# ---- job rebuild: -v phase=begin|delete|end listing wanted cover
# begin: whether a cover is needed (`cover`, which is then written to files) or there (`covered`); what to delete.
# delete: `uncovered` where the cover did not come; what is left to delete. end: what of the cover to delete, `empty` if nothing else is there.

function rebuild(    n, i, line, text, protects, covers, others, serial) {
    n = read_loaded(listing)
    for (i = 1; i <= n; i++) {
        if (is_cover(rule_of[i])) {
            if (rule_of[i] ~ /192\.0\.2/) covers[rule_of[i] ~ /dir in/]++
        } else {
            others++
            if (rule_of[i] !~ /\} pass \{ \}$/) protects = 1
        }
        text = text rule_of[i] "\n"
    }
    if (phase == "end") {
        if (!others) print "empty"
        for (i = n; i >= 1; i--) if (is_cover(rule_of[i])) print "delete " index_of[i]
        return
    }
    for (i = n; i >= 1; i--) if (!is_cover(rule_of[i])) print "delete " index_of[i]
    if (covers[0] && covers[1]) {
        print "covered"
        return
    }
    if (phase == "delete") {
        print "uncovered"
        return
    }
    # What was protected or dropped and will be again must not be in the clear in between. Half a cover goes at the end.
    if (covers[0] + covers[1] && !protects) print "covered"
    if (!protects) return
    protects = 0
    while ((getline line < wanted) > 0) {
        sub(/#.*/, "", line)
        if (line ~ /(apply|permit|ipsec|drop)/) protects = 1
        text = text line "\n"
    }
    close(wanted)
    if (!protects) return
    for (serial = 201; index(text, "192.0.2." serial "/") || index(text, "2001:db8::" serial "/"); serial++);
    print "{laddr 192.0.2." serial "/0 dir both} drop {}\n{laddr 2001:db8::" serial "/0 dir both} drop {}" > cover
    print "{laddr 192.0.2." serial "/0 dir both} drop {}" > (cover ".4")
    print "{saddr 192.0.2." serial "/0 dir out} drop {}\n{daddr 192.0.2." serial "/0 dir in} drop {}" > (cover ".old")
    print "cover"
}

# ---- job change: -v listing added gone find: files of rules, a line each
# What should have come and has not, what should have gone and has not; the numbers of what is to go next.

function change(    n, i, line, loaded, wanted) {
    n = read_loaded(listing)
    for (i = 1; i <= n; i++) loaded[rule_of[i]] = 1
    # An entry in other words than those of a listing is not looked for: what is loaded at the end is compared as a whole.
    while ((getline line < added) > 0)
        if (line ~ /^\{ .*dir (in|out) \} (pass|drop|ipsec) \{ / && !(line in loaded)) print "problem rule was not taken: " line
    close(added)
    while ((getline line < gone) > 0) if (line in loaded) print "problem rule did not go: " line
    close(gone)
    # In the order asked for: it is what keeps packets from falling back on a rule they never met. Numbers stay with their rules.
    while ((getline line < find) > 0) {
        if (line in wanted) continue
        wanted[line] = 1
        for (i = n; i >= 1; i--) if (rule_of[i] == line) print "delete " index_of[i]
    }
    close(find)
}

BEGIN {
    if (job == "rebuild") rebuild()
    else if (job == "change") change()
}
