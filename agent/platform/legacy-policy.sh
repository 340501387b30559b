# Owns: changing the loaded policy rule by rule, where nothing replaces all rules at once: `ipsecconf -a` adds and passes over a rule
# whose selector is there already, `-d` deletes one, `-f` all. Exit statuses prove nothing: each listing is read.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# From whatever is loaded to the rules of a file, and safe to begin again wherever it was cut short: under a rule that drops what no
# other meets, the old rules go one by one, the new ones come all at once, then the cover goes. What was protected and will be
# again is dropped meanwhile, never sent in the clear; the sockets that are open keep the rules they have.
rebuild_policy() { # file [anyway]: also on a host that takes no such cover
    look_to_rebuild begin "$1" || return 1
    rebuild_under_cover=$REBUILD_COVER
    if [ "$REBUILD_COVER" = cover ]; then
        # New entries for both families, for one, and old ones: the early parser knows no others.
        for rebuild_file in "$TX/cover" "$TX/cover.4" "$TX/cover.old"; do
            run_tool ipsecconf -q -a "$rebuild_file" && break
        done
        look_to_rebuild delete "$1" || return 1
        rebuild_under_cover=$REBUILD_COVER
        if [ "$REBUILD_COVER" = uncovered ] && [ "${2-}" != anyway ]; then
            put 'the host takes no rule that would drop what must not pass in the clear during the change' >"$TX/out"
            return 1
        fi
    fi
    delete_rules "$REBUILD_DELETE"
    # On the way forward verify finds what stayed, and all is taken back. On the way back nobody else would try again.
    rebuild_rounds=0
    while [ "${2-}" = anyway ] && look_to_rebuild delete "$1" && [ -n "$REBUILD_DELETE" ] && [ "$rebuild_rounds" -lt 3 ]; do
        rebuild_rounds=$((rebuild_rounds + 1))
        delete_rules "$REBUILD_DELETE"
    done
    run_tool ipsecconf -q -a "$1"
    rebuild_status=$?
    [ -n "$rebuild_under_cover" ] || return "$rebuild_status"
    look_to_rebuild end "$1" || return 1
    # With no rule at all everything would be in the clear: rather nothing passes, until it is tried again.
    if [ "$REBUILD_COVER" = empty ]; then
        put 'no rule was taken; what the temporary rules drop stays dropped' >"$TX/out"
        return 1
    fi
    delete_rules "$REBUILD_DELETE"
}

# REBUILD_DELETE := numbers of rules to delete, REBUILD_COVER := what the listing says of the cover.
look_to_rebuild() { # begin|delete|end file
    list_policy "$TX/listing" || return 1
    REBUILD_COVER=
    REBUILD_DELETE=
    rebuild_answer=$(awk -v job=rebuild -v phase="$1" -v listing="$TX/listing" -v wanted="$2" -v cover="$TX/cover" "$AWK_LEGACY_POLICY") ||
        return 1
    set -f
    IFS=$nl
    for rebuild_line in $rebuild_answer; do
        case $rebuild_line in
            'delete '*) REBUILD_DELETE="$REBUILD_DELETE ${rebuild_line#delete }" ;;
            *) REBUILD_COVER=$rebuild_line ;;
        esac
    done
    unset IFS
    set +f
}

# Each by its number; whether they are gone the next listing tells.
delete_rules() { # numbers
    set -f
    # shellcheck disable=SC2086 # a list of numbers
    set -- $1
    set +f
    for delete_number in "$@"; do
        run_tool ipsecconf -q -d "$delete_number"
    done
}

# The controller's own order, `add RULE` and `delete RULE` a line: each run of additions is one file, and after each run of either kind
# the listing must show it before anything else is done.
carry_out_change() {
    change_word=
    true >"$TX/change.add"
    true >"$TX/change.gone"
    true >"$TX/change.run"
    while read -r change_next change_rule; do
        if [ "$change_next" != "$change_word" ] && [ -n "$change_word" ]; then
            carry_out_run "$change_word" || return 1
        fi
        change_word=$change_next
        put "$change_rule" >>"$TX/change.run"
    done <"$TX/change"
    [ -z "$change_word" ] || carry_out_run "$change_word" || return 1
    look_at_change
}

carry_out_run() { # add|delete
    look_at_change || return 1
    case $1 in
        add)
            mv -f "$TX/change.run" "$TX/change.add"
            run_tool ipsecconf -q -a "$TX/change.add" || return 1
            ;;
        delete)
            delete_rules "$CHANGE_DELETE"
            mv -f "$TX/change.run" "$TX/change.gone"
            ;;
        *) return 1 ;;
    esac
    true >"$TX/change.run"
}

# CHANGE_DELETE := numbers of the rules of this run that are loaded. Status 1: the run before has not done what it should.
look_at_change() {
    list_policy "$TX/listing" || return 1
    CHANGE_DELETE=
    change_answer=$(awk -v job=change -v listing="$TX/listing" -v added="$TX/change.add" -v gone="$TX/change.gone" \
        -v find="$TX/change.run" "$AWK_LEGACY_POLICY") || return 1
    true >"$TX/out"
    true >"$TX/change.add"
    true >"$TX/change.gone"
    set -f
    IFS=$nl
    for change_line in $change_answer; do
        case $change_line in
            'delete '*) CHANGE_DELETE="$CHANGE_DELETE ${change_line#delete }" ;;
            *) put "${change_line#problem }" >>"$TX/out" ;;
        esac
    done
    unset IFS
    set +f
    [ ! -s "$TX/out" ]
}
