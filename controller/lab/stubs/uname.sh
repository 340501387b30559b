#!/bin/sh
# uname and hostname of a lab host, whose name stands in /etc/nodename. The lab puts in what stands between @.
read -r node <"${0%/usr/*}/etc/nodename"
case ${0##*/} in
    hostname)
        echo "$node"
        exit 0
        ;;
esac
sysname=SunOS release=@release@ version=@version@ machine=@machine@ processor=@processor@
wanted=${1:--s}
case $wanted in
    -a)
        echo "$sysname $node $release $version $machine $processor $machine"
        exit 0
        ;;
esac
# The fields come in this order, whatever the order of the letters.
line=
for field in "s$sysname" "n$node" "r$release" "v$version" "m$machine" "p$processor" "i$machine"; do
    value=${field#?}
    case $* in
        *"${field%"$value"}"*) line="$line${line:+ }$value" ;;
    esac
done
echo "${line:-$sysname}"
