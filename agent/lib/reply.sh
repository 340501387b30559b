# Owns: everything the agent prints to the controller. Nothing else writes to standard output.
# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script and share their variables

# One line as it is. Not `echo`, which reads backslashes in some shells; not `printf` in mksh and ksh88, where it is a process. Every Korn
# shell knows `whence`, and the ksh88 of Solaris 10 has no KSH_VERSION.
if command -v whence >/dev/null 2>&1; then
    # shellcheck disable=SC2039,SC3045 # every Korn shell has print
    put() { # line
        print -r -- "$1"
    }
else
    put() { # line
        printf '%s\n' "$1"
    }
fi

say() { # record
    put "$MARK $1"
}

begin_section() { # name [fields]
    say "begin $1${2:+ $2}"
}

# The empty line keeps output without a last newline from gluing to the record; the controller takes it away.
end_section() { # name [status]
    put ''
    say "end $1 status=${2:-0}"
}

# The request was not carried out, and nothing was changed by it.
say_error() { # text
    say "error text=$1"
}

# What a tool said about a step that failed, in at most 40 lines. Runs of hexadecimal digits long enough for a key are masked.
say_output() { # file
    [ -s "$1" ] || return 0
    begin_section output
    sed -e 's/[0-9a-fA-F]\{16,\}/[masked]/g' -e 40q <"$1"
    end_section output
}
