# Owns: the managed files: their names and paths, digests, putting them in place and back.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

MANAGED='ipsecinit.conf ipseckeys config ike.preshared'

# FILE := where the managed file of that base name lives.
path_of() { # name
    case $1 in
        ipsecinit.conf) FILE=$ROOT/etc/inet/ipsecinit.conf ;;
        ipseckeys) FILE=$ROOT/etc/inet/secret/ipseckeys ;;
        config) FILE=$ROOT/etc/inet/ike/config ;;
        ike.preshared) FILE=$ROOT/etc/inet/secret/ike.preshared ;;
        *) return 1 ;;
    esac
}

# NAME := base name of a managed path as the protocol writes it. Any other path is not ours to touch.
name_of() { # path
    case $1 in
        /etc/inet/ipsecinit.conf | /etc/inet/ike/config | /etc/inet/secret/ipseckeys | /etc/inet/secret/ike.preshared)
            NAME=${1##*/}
            ;;
        *) return 1 ;;
    esac
}

holds_keys() { # name
    case $1 in
        ipseckeys | ike.preshared) return 0 ;;
        *) return 1 ;;
    esac
}

find_digest_tool() {
    if command -v sha256sum >/dev/null; then
        SHA256=sha256sum
    elif command -v digest >/dev/null; then
        SHA256='digest -v -a sha256'
    else
        SHA256=
    fi
}

# SUMS := a line `path hex` for each line of either digest tool.
parse_digests() { # output
    SUMS=$nl
    set -f
    IFS=$nl
    for sum_line in $1; do
        case $sum_line in
            'sha256 ('*)
                sum_path=${sum_line#'sha256 ('}
                sum_path=${sum_path%') = '*}
                SUMS="$SUMS$sum_path ${sum_line##* }$nl"
                ;;
            *) SUMS="$SUMS${sum_line#*'  '} ${sum_line%% *}$nl" ;;
        esac
    done
    unset IFS
    set +f
}

# SUM := digest of a path in SUMS, or `absent`.
sum_of() { # path
    case $SUMS in
        *"$nl$1 "*)
            SUM=${SUMS#*"$nl$1 "}
            SUM=${SUM%%"$nl"*}
            ;;
        *) SUM=absent ;;
    esac
}

# Files that are not as in the snapshot go back by one rename each, with the owner and mode they had; what was not there goes.
restore_files() {
    # Without a whole snapshot nothing was ever changed, and a file missing from it says nothing.
    [ -f "$BEFORE/complete" ] || return 1
    restore_status=0
    for restore_name in $MANAGED; do
        path_of "$restore_name"
        file_is_restored && continue
        if [ -f "$BEFORE/files/$restore_name" ]; then
            restore_file || restore_status=1
        else
            rm -f "$FILE" || restore_status=1
        fi
    done
    return "$restore_status"
}

# By another copy; where there is no room for one, by the copy that was made before anything was changed.
restore_file() { # restore_name, FILE
    restore_copy=$BEFORE/files/$restore_name
    [ -d "$NEW" ] || mkdir "$NEW" 2>/dev/null
    if cp -p "$restore_copy" "$NEW/back" 2>/dev/null && cmp "$restore_copy" "$NEW/back" >/dev/null 2>&1; then
        mv -f "$NEW/back" "$FILE" && return 0
    fi
    rm -f "$NEW/back"
    cmp "$restore_copy" "$NEW/was/$restore_name" >/dev/null 2>&1 && mark_like "$restore_copy" "$NEW/was/$restore_name" &&
        mv -f "$NEW/was/$restore_name" "$FILE"
}

# Gives a file the mode, owner and group of another.
mark_like() { # model file
    set -f
    # shellcheck disable=SC2046 # the words of marks_of
    set -- "$2" $(marks_of "$1")
    set +f
    mark_left=${2#?}
    mark_mode=
    for mark_who in u g o; do
        mark_mode=$mark_mode${mark_mode:+,}$mark_who=
        case $mark_left in r*) mark_mode=${mark_mode}r ;; esac
        case $mark_left in ?w*) mark_mode=${mark_mode}w ;; esac
        case $mark_left in ??[xst]*) mark_mode=${mark_mode}x ;; esac
        mark_left=${mark_left#???}
    done
    chmod "$mark_mode" "$1" && chown "$3:$4" "$1"
}

# Content, owner and mode.
file_is_restored() { # restore_name, FILE
    if [ ! -f "$BEFORE/files/$restore_name" ]; then
        [ ! -f "$FILE" ]
        return
    fi
    [ -f "$FILE" ] && cmp "$BEFORE/files/$restore_name" "$FILE" >/dev/null 2>&1 &&
        [ "$(marks_of "$BEFORE/files/$restore_name")" = "$(marks_of "$FILE")" ]
}

# Whether content, owner and mode of every managed file are those of the snapshot; PROBLEMS names those that are not.
check_restored_files() {
    check_restored=0
    for restore_name in $MANAGED; do
        path_of "$restore_name"
        ! file_is_restored || continue
        PROBLEMS="$PROBLEMS${restore_name} is not as it was; "
        check_restored=1
    done
    return "$check_restored"
}

# Mode, owner and group of a file.
marks_of() { # file
    set -f
    # shellcheck disable=SC2046 # the words of one line of ls
    set -- $(ls -ldn "$1")
    put "$1 $3 $4"
}
