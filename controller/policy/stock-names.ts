/** The names a freshly installed illumos host knows: services(5), protocols(5), networks(5). Numbers are IANA's. */

import { parseAddress } from '../model/address.js';
import { tableOf, type NameTables, type NumberedNames } from './name-tables.js';

// prettier-ignore
const SERVICES: readonly NumberedNames[] = [
  [1, 'tcpmux'], [7, 'echo'], [9, 'discard', 'sink', 'null'], [11, 'systat', 'users'], [13, 'daytime'],
  [15, 'netstat'], [17, 'qotd'], [19, 'chargen', 'ttytst', 'source'], [20, 'ftp-data'], [21, 'ftp'], [22, 'ssh'],
  [23, 'telnet'], [25, 'smtp', 'mail'], [37, 'time', 'timserver'], [39, 'rlp'], [42, 'name', 'nameserver'],
  [43, 'whois', 'nicname'], [49, 'tacacs'], [53, 'domain'], [65, 'tacacs-ds'], [67, 'bootps'], [68, 'bootpc'],
  [80, 'http', 'www', 'www-http'], [88, 'kerberos', 'kdc'], [101, 'hostnames', 'hostname'], [109, 'pop2', 'pop-2'],
  [110, 'pop3'], [111, 'sunrpc', 'rpcbind'], [115, 'sftp'], [143, 'imap', 'imap2'], [179, 'bgp'], [194, 'irc'],
  [199, 'smux'], [220, 'imap3'], [371, 'clearcase'], [389, 'ldap'], [443, 'https'], [464, 'kpasswd'],
  [546, 'dhcpv6-client', 'dhcpv6c'], [547, 'dhcpv6-server', 'dhcpv6s'], [554, 'rtsp'], [563, 'nntps', 'snntp'],
  [587, 'submission'], [631, 'ipp'], [636, 'ldaps'], [706, 'silc'], [860, 'iscsi'], [873, 'rsync'],
  [989, 'ftps-data'], [990, 'ftps'], [993, 'imaps'], [995, 'pop3s'], [1080, 'socks'], [1194, 'openvpn'],
  [1344, 'icap'], [1512, 'wins'], [1812, 'radius'], [1813, 'radius-acct'], [2401, 'cvspserver'], [3130, 'icpv2'],
  [3260, 'iscsi-target'], [3306, 'mysql'], [3493, 'nut'], [3690, 'svn'], [4369, 'epmd'], [5060, 'sip'],
  [5061, 'sip-tls'], [5222, 'xmpp-client'], [5269, 'xmpp-server'], [5432, 'postgresql', 'postgres'],
  [8080, 'http-alt', 'webcache'], [11211, 'memcache'], [69, 'tftp'], [77, 'rje'], [79, 'finger'],
  [87, 'link', 'ttylink'], [95, 'supdup'], [102, 'iso-tsap'], [103, 'x400'], [104, 'x400-snd'], [105, 'csnet-ns'],
  [117, 'uucp-path'], [119, 'nntp', 'usenet'], [123, 'ntp'], [137, 'netbios-ns'], [138, 'netbios-dgm'],
  [139, 'netbios-ssn'], [144, 'NeWS', 'news'], [161, 'snmpd', 'snmp'], [427, 'slp'], [434, 'mobile-ip'],
  [442, 'cvc_hostd'], [445, 'microsoft-ds'], [500, 'ike'], [697, 'uuidgen'], [121, 'rdc'], [512, 'exec'],
  [513, 'login'], [514, 'shell', 'cmd'], [515, 'printer', 'spooler'], [530, 'courier', 'rpc'],
  [540, 'uucp', 'uucpd'], [512, 'biff', 'comsat'], [513, 'who', 'whod'], [514, 'syslog'], [517, 'talk'],
  [520, 'route', 'router', 'routed'], [521, 'ripng'], [543, 'klogin'], [544, 'kshell', 'cmd'],
  [550, 'new-rwho', 'new-who'], [560, 'rmonitor', 'rmonitord'], [561, 'monitor'], [600, 'pcserver'],
  [665, 'sun-dr'], [749, 'kerberos-adm'], [750, 'kerberos-iv'], [754, 'krb5_prop'], [901, 'swat'], [1008, 'ufsd'],
  [1296, 'portolan'], [1339, 'svp-underlay'], [1495, 'cvc'], [1524, 'ingreslock'], [1760, 'www-ldap-gw'],
  [2766, 'listen'], [2049, 'nfsd', 'nfs'], [2105, 'eklogin'], [4045, 'lockd'], [4500, 'ipsec-nat-t'],
  [5353, 'mdns'], [5900, 'vnc-server'], [6112, 'dtspc'], [6481, 'servicetag'], [7100, 'fs'],
  [16162, 'solaris-audit'], [22273, 'wnn6'],
];

// prettier-ignore
const PROTOCOLS: readonly NumberedNames[] = [
  [0, 'ip', 'IP'], [1, 'icmp', 'ICMP'], [2, 'igmp', 'IGMP'], [3, 'ggp', 'GGP'], [4, 'ipip', 'IP-IP'],
  [6, 'tcp', 'TCP'], [7, 'cbt', 'CBT'], [8, 'egp', 'EGP'], [9, 'igp', 'IGP'], [12, 'pup', 'PUP'],
  [17, 'udp', 'UDP'], [18, 'mux', 'MUX'], [20, 'hmp', 'HMP'], [22, 'xns-idp', 'XNS-IDP'], [27, 'rdp', 'RDP'],
  [35, 'idpr', 'IDPR'], [38, 'idpr-cmtp', 'IDPR-CMTP'], [42, 'sdrp', 'SDRP'], [45, 'idrp', 'IDRP'],
  [46, 'rsvp', 'RSVP'], [47, 'gre', 'GRE'], [50, 'esp', 'ESP'], [51, 'ah', 'AH'], [55, 'mobile', 'MOBILE'],
  [89, 'ospf', 'OSPFIGP'], [103, 'pim', 'PIM'], [108, 'ipcomp', 'IPComp'], [112, 'vrrp', 'VRRP'],
  [132, 'sctp', 'SCTP'], [0, 'hopopt', 'HOPOPT'], [41, 'ipv6', 'IPv6'], [43, 'ipv6-route', 'IPv6-Route'],
  [44, 'ipv6-frag', 'IPv6-Frag'], [58, 'ipv6-icmp', 'IPv6-ICMP'], [59, 'ipv6-nonxt', 'IPv6-NoNxt'],
  [60, 'ipv6-opts', 'IPv6-Opts'],
];

const services = tableOf(SERVICES);
const protocols = tableOf(PROTOCOLS);

function addresses(...texts: readonly string[]) {
  return texts.flatMap((text) => parseAddress(text) ?? []);
}

function network(name: string, text: string) {
  return addresses(text).map((address) => [name, address] as const);
}

/** No hosts besides localhost: add a site's own with `withHosts`. */
export const STOCK_NAMES: NameTables = {
  hosts: new Map([['localhost', addresses('127.0.0.1', '::1')]]),
  services: services.byName,
  servicesByPort: services.byNumber,
  protocols: protocols.byName,
  protocolsByNumber: protocols.byNumber,
  networks: new Map([
    ...network('loopback', '127.0.0.0'),
    ...network('arpanet', '10.0.0.0'),
    ...network('arpa', '10.0.0.0'),
  ]),
};
