#!/bin/sh
# Process 1 of a host of the enforcing lab: arguments are its name, its folder and that of its commands. Says its process id as the lab
# sees it when the host's files are in their places, waits until the lab has booted what comes before the network, then brings up
# network and SSH.
read -r pid _ </proc/self/stat
mount -n -t proc lab-proc /proc &&
    mount -n --rbind "$3" "$2/stubs" &&
    mount -n --rbind "$2" /mnt &&
    mount -n -a -T /mnt/mounts &&
    mount -n -o remount,bind,ro / &&
    mkdir -m 755 /run/sshd || exit 1
echo "$1" >/proc/sys/kernel/hostname
for scope in all default; do
    echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_dad"
    echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_ra"
done
# A full disk is told by an error, not by a signal.
trap '' XFSZ
disk=ok
[ ! -f /mnt/disk ] || read -r disk </mnt/disk
[ "$disk" = ok ] || /bin/sh /mnt/disk.sh "$disk"
echo "pid $pid"

read -r word
[ "$word" = online ] || exit 1
ip -batch /mnt/network || exit 1
/usr/sbin/sshd -D -f /mnt/sshd_config -E /mnt/sshd.log &
sleep infinity &
# Waiting for these two takes in what is left of all others.
wait
