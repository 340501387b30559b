#!/sbin/sh
# Loads IPsec at boot where no service does: policy, keys, key daemon, each where its file is there. In the lab the folder of the host
# stands before every path.
root=$IPSEC_AGENT_ROOT
if [ -f "$root/etc/inet/ipsecinit.conf" ]; then
    "$root/usr/sbin/ipsecconf" -qa "$root/etc/inet/ipsecinit.conf"
fi
if [ -f "$root/etc/inet/secret/ipseckeys" ]; then
    "$root/usr/sbin/ipseckey" -f "$root/etc/inet/secret/ipseckeys"
fi
if [ -f "$root/etc/inet/ike/config" ]; then
    "$root/usr/lib/inet/in.iked"
fi
