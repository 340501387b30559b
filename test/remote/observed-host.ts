/** An answer to `observe` as a host in its first generations gives it. */

export const OBSERVED = `@ begin observe
@ fact name=os text=SunOS 5.11 omnios-r151046 i86pc
@ fact name=hostname text=db1
@ fact name=user text=0
@ fact name=time text=2026-11-22T10:15:00Z
@ fact name=free_kb text=1048576
@ fact name=platform text=solaris-smf
@ generation current=6 run=r6 confirmed=2026-11-21T09:00:00Z
@ begin manifest
format 1
generation 6
run r6
made 2026-11-21T09:00:00Z
file 0400 ${'aa'.repeat(32)} /etc/inet/ipsecinit.conf
key psk 256 0123456789abcdef psk:db1--web1

@ end manifest status=0
@ begin ls
-r--------+  1 0        3            512 Nov 22 10:15 /etc/inet/ipsecinit.conf
-rw-------   1 0        0             99 Jan  3  2026 /etc/inet/secret/ike.preshared

@ end ls
@ begin digests
(/etc/inet/ipsecinit.conf) = ${'AA'.repeat(32)}
${'bb'.repeat(32)}  /etc/inet/secret/ike.preshared

@ end digests
@ begin spd
#INDEX 17
{ ulp 6 lport 80 dir out } pass { } 
#INDEX 3
{ ulp 6 lport 22 dir in } pass { } 
#INDEX ip.tun0,1
{ tunnel ip.tun0 negotiate tunnel dir out } ipsec { } 

@ end spd status=0
@ begin sad
esp 0x1001 10.0.0.2 encr=aes-cbc auth=hmac-sha256 key=same src=10.0.0.1
missing esp 0x1002 10.0.0.1

@ end sad status=0
@ begin services
online         svc:/network/ipsec/policy:default
maintenance    svc:/network/ipsec/ike:default

@ end services
@ fact name=daemon text=absent
@ begin log service=svc:/network/ipsec/ike:default
[ Nov 22 10:00:00 Method "start" exited with status 95. ]

@ end log
@ end observe status=0
`;

/** An answer to `drift` of an illumos host on which much is amiss. */
export const DRIFTED = `@ begin drift
@ fact name=platform text=solaris-smf
@ generation current=6 run=r6 confirmed=2026-11-21T09:00:00Z
@ begin spd
#INDEX 3
{ ulp 6 lport 22 dir in } pass { } 

@ end spd status=0
@ agent digest=${'cc'.repeat(32)}
@ leftover kind=copy text=/etc/inet/secret/ipseckeys.old copy
@ leftover kind=state text=/var/ipsec-deploy/?
@ fact name=time text=2026-11-22T10:15:00Z
@ fact name=os text=SunOS 5.11 omnios-r151046 i86pc
@ fact name=hostname text=db1
@ transaction id=T7 state=verified step=verify generation=7 reverts_in=0
@ begin ls
-r--------   2 0        3            512 2026-11-20 08:00:01.000000000 +0000 /etc/inet/ipsecinit.conf
lrwxrwxrwx   1 0        0             99 2026-11-20 08:00:01.000000000 +0000 /etc/inet/ike/config -> /root/my \u001bconfig

@ end ls status=0
@ begin others
drwx------   5 0        0             12 2026-11-22 09:58:07.500000000 +0000 /var/ipsec-deploy
-rw-r--r--   1 0        0            800 Dec  3  2025 /etc/inet/secret/ipseckeys.old copy

@ end others status=0
@ fact name=user text=0
@ begin digests
sha256 (/etc/inet/ipsecinit.conf) = ${'aa'.repeat(32)}

@ end digests status=0
@ guard script=${'cc'.repeat(32)} shipped=no manifest=differs
@ begin sad
esp 0x1001 10.0.0.2 encr=aes-cbc auth=hmac-sha256 key=same src=10.0.0.1 hard_add=3600 hard_bytes=18446744073709551615 expires=120
missing esp 0x1002 10.0.0.1

@ end sad status=0
@ begin services
online svc:/network/ipsec/policy:default
offline* svc:/network/ipsec/ike:default

@ end services status=0
@ service fmri=svc:/network/ipsec/policy:default enabled=true since=2026-11-20T08:00:00Z text=/etc/inet/ipsecinit.conf
@ service fmri=svc:/network/ipsec/ike:default enabled=false since=2026-11-20T08:00:00Z text=/etc/inet/my\\ ike\\ config
@ service fmri=svc:/site/ipsec-deploy-guard:default
@ keeper name=deadman state=gone
@ fact name=daemon text=running
@ daemon state=running current=2 total=12 attempted=14 failed=1
@ ike-rule state=same text=to db 2
@ ike-rule state=missing text=gone
@ phase-one local=10.0.0.1 remote=10.0.0.2 count=2 out=0 in=0
@ history text=2026-11-21T09:00:00Z T6 confirmed generation=6 run=r6
@ fact name=settled text=no

@ end drift status=0
`;
