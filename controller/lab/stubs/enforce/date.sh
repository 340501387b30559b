#!/bin/sh
# date of a host of the enforcing lab: the machine's own, by as many seconds off as the lab says. Other programs go by the machine's time.
offset=0
[ ! -f /mnt/clock ] || read -r offset </mnt/clock
case "$offset $*" in
    '0 '* | *' -d'* | *' -r'* | *' -s'* | *' --'*) exec /usr/lib/ipsec-lab/date "$@" ;;
esac
now=$(/usr/lib/ipsec-lab/date +%s)
exec /usr/lib/ipsec-lab/date -d "@$((now + offset))" "$@"
