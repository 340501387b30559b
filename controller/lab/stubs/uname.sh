#!/bin/sh
# uname and hostname of a lab host: an OmniOS machine whose name stands in /etc/nodename.
read -r node <"${0%/usr/*}/etc/nodename"
case ${0##*/} in
    hostname)
        echo "$node"
        exit 0
        ;;
esac
sysname=SunOS release=5.11 version=omnios-r151046 machine=i86pc
wanted=${1:--s}
case $wanted in
    -a)
        echo "$sysname $node $release $version $machine i386 $machine"
        exit 0
        ;;
esac
# The fields come in this order, whatever the order of the letters.
line=
for field in "s$sysname" "n$node" "r$release" "v$version" "m$machine" pi386 "i$machine"; do
    value=${field#?}
    case $* in
        *"${field%"$value"}"*) line="$line${line:+ }$value" ;;
    esac
done
echo "${line:-$sysname}"
