#!/bin/sh
# /usr/xpg4/bin/sh of a lab host of old: the POSIX shell beside the Bourne shell.
exec @shell@ "$@"
