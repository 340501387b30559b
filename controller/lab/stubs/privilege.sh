#!/bin/sh
# pfexec and sudo of a lab host: the lab's user stands for root, so they only run the command.
while :; do
    case ${1-} in
        -n | -E | -H | -P) shift ;;
        -u) shift 2 ;;
        --)
            shift
            break
            ;;
        *) break ;;
    esac
done
exec "$@"
