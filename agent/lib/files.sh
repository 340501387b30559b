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

# Copies of the snapshot go back by one rename each, with the owner and mode they had; what was not there goes.
restore_files() {
    # Without a whole snapshot nothing was ever changed, and a file missing from it says nothing.
    [ -f "$BEFORE/complete" ] || return 1
    rm -rf "$NEW"
    mkdir "$NEW" || return 1
    for restore_name in $MANAGED; do
        path_of "$restore_name"
        if [ -f "$BEFORE/files/$restore_name" ]; then
            cp -p "$BEFORE/files/$restore_name" "$NEW/$restore_name" && mv -f "$NEW/$restore_name" "$FILE" || return 1
        else
            [ -f "$BEFORE/complete" ] && rm -f "$FILE" || return 1
        fi
    done
    rm -rf "$NEW"
}

# Whether content, owner and mode of every managed file are those of the snapshot; PROBLEMS names those that are not.
check_restored_files() {
    check_restored=0
    for restore_name in $MANAGED; do
        path_of "$restore_name"
        if [ ! -f "$BEFORE/files/$restore_name" ]; then
            [ ! -f "$FILE" ] && continue
        elif [ -f "$FILE" ]; then
            cmp "$BEFORE/files/$restore_name" "$FILE" >/dev/null 2>&1 &&
                [ "$(marks_of "$BEFORE/files/$restore_name")" = "$(marks_of "$FILE")" ] && continue
        fi
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
