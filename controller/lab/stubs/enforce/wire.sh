#!/bin/sh
# Holds the network namespace that the hosts of an enforcing lab are wired up in. It is laid out by the `ip` commands on standard input.
for scope in all default; do
    echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_dad"
    echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_ra"
done
ip -batch - || exit 1
echo up
exec sleep infinity
