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
