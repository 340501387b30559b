/** A scratch host with stand-in tools for probes, and its answers to `probe` and `counters` as the controller reads them. */

import * as fs from 'node:fs';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Probe, ProbeReport, SaCount } from '../../../controller/model/probe.js';
import { ReplyReader, type ReplyItem, type ReplySection } from '../../../controller/remote/agent-reply.js';
import { probeText } from '../../../controller/remote/agent-request.js';
import { parseCounts, parseProbeReport } from '../../../controller/remote/probe-reply.js';
import { AgentHost, type Session } from './agent-host.js';

export const HERE = '10.0.1.11';
export const THERE = '10.0.1.12';

/** The last two words. */
const NC = `while [ $# -gt 2 ]; do shift; done
there=$1 port=$2
`;

/** At the simulated other end port 22 is open and 81 closed; others are silent. */
const NC_KINDS: Readonly<Record<string, string>> = {
  openbsd: `case $port in
    22) echo "Connection to $there $port port [tcp/*] succeeded!" >&2 ;;
    81) echo "nc: connect to $there port $port (tcp) failed: Connection refused" >&2; exit 1 ;;
    *) echo "nc: connect to $there port $port (tcp) timed out: Operation now in progress" >&2; exit 1 ;;
esac
`,
  hobbit: `case $port in
    22) echo "(UNKNOWN) [$there] $port (?) open" >&2 ;;
    81) echo "(UNKNOWN) [$there] $port (?) : Connection refused" >&2; exit 1 ;;
    *) echo "(UNKNOWN) [$there] $port (?) : Connection timed out" >&2; exit 1 ;;
esac
`,
  ncat: `case $port in
    22) echo "Ncat: Connected to $there:$port." >&2 ;;
    81) echo "Ncat: Connection refused." >&2; exit 1 ;;
    *) echo "Ncat: TIMEOUT." >&2; exit 1 ;;
esac
`,
  // As illumos's: -w does not hold for the connection itself.
  illumos: `case $port in
    22) echo "Connection to $there $port port [tcp/*] succeeded!" ;;
    81) echo "nc: connect to $there port $port (tcp) failed: Connection refused" >&2; exit 1 ;;
    *) sleep 600 ;;
esac
`,
  // As when a key daemon needs its time.
  later: `[ "$(grep -c '^nc ' "\${0%/usr/*}/calls")" -ge 3 ] || { echo 'timed out'; exit 1; }\n`,
  // Goes on from an address of its own choice.
  elsewhere: `echo "libnsock mksock_bind_addr(): Bind failed: Cannot assign requested address (99)"; echo "Ncat: Connected to $there:$port."\n`,
  // As busybox's without -z.
  small: `echo "nc: invalid option -- 'v'" >&2; echo 'Usage: nc [-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]' >&2; exit 1\n`,
};

const NETWORK: Readonly<Record<string, string>> = {
  ...NC_KINDS,
  // As a shell with /dev/tcp: -c SCRIPT sh ADDRESS PORT.
  opens: `port=$5
case $port in
    22) ;;
    81) echo "sh: /dev/tcp/$4/$5: cannot create [Connection refused]" >&2; exit 1 ;;
    *) exec sleep 600 ;;
esac
`,
  cannot: `echo "sh: /dev/tcp/$4/$5: create: No such file or directory" >&2; exit 1\n`,
  solaris: `case $1 in -*) echo "ping: illegal option -- q" >&2; echo "usage: ping host [timeout]" >&2; exit 1 ;; esac
case $1 in
    ${THERE}) echo "$1 is alive" ;;
    *) echo "no answer from $1"; exit 1 ;;
esac
`,
  inetutils: `case $* in *-I*) echo "ping: invalid option -- 'I'" >&2; exit 64 ;; *-c*) ;; *) echo 'two hosts' >>"\${0%/usr/*}/calls" ;; esac
for there; do :; done
case $there in
    ${THERE}) echo '1 packets transmitted, 1 packets received, 0% packet loss' ;;
    *) echo '1 packets transmitted, 0 packets received, 100% packet loss'; exit 1 ;;
esac
`,
  gnu: `for there; do :; done
echo "PING $there ($there) 56(84) bytes of data."; echo; echo "--- $there ping statistics ---"
case $there in
    ${THERE}) echo '1 packets transmitted, 1 received, 0% packet loss, time 0ms' ;;
    *) echo '1 packets transmitted, 0 received, 100% packet loss, time 0ms'; exit 1 ;;
esac
`,
  busybox: `for there; do :; done
case $there in
    ${THERE}) echo '1 packets transmitted, 1 packets received, 0% packet loss' ;;
    *) echo '1 packets transmitted, 0 packets received, 100% packet loss'; exit 1 ;;
esac
`,
  lies: `echo 'no answer from anybody, 0 received, Connection refused'\n`,
  hangs: `sleep 600; sleep 600\n`,
  babbles: `echo '#ended'; echo 'answer w open nc'; echo '#ended 0x'; while :; do echo 'babble babble babble'; done\n`,
};

export class ProbeHost extends AgentHost {
  /** The tools that this host has; none of the machine's own is called under a prefix. */
  tools(kinds: Readonly<Partial<Record<'nc' | 'ksh93' | 'ksh' | 'bash' | 'ping', string>>>): void {
    for (const name of ['nc', 'ksh93', 'ksh', 'bash', 'ping'] as const) {
      const kind = kinds[name];
      fs.rmSync(this.path(`usr/bin/${name}`), { force: true });
      if (kind === undefined) continue;
      const words = `${name === 'nc' ? NC : ''}${NETWORK[kind] ?? ''}`;
      const log = `echo "${name} $*" >>'${this.path('calls')}'\n`;
      fs.writeFileSync(this.path(`usr/bin/${name}`), `#!/bin/sh\n${log}${words}`, { mode: 0o755 });
    }
  }

  /** What `ipseckey dump` prints from now on; `script` in place of it. */
  dumps(text: string, script = `cat '${this.path('kernel/dump')}'`): void {
    this.write('kernel/dump', text);
    fs.writeFileSync(
      this.path('usr/sbin/ipseckey'),
      `#!/bin/sh\necho "ipseckey $*" >>'${this.path('calls')}'\n${script}\n`,
      { mode: 0o755 },
    );
  }

  /** The section that answers. @throws Error with the text of an `error` record */
  async section(session: Session, text: string, name: string): Promise<ReplySection> {
    session.send(text);
    const reader = new ReplyReader(session.mark);
    for (;;) {
      const item: ReplyItem | undefined = reader.push(await session.line());
      if (item?.kind === 'record' && item.name === 'error') throw new Error(item.fields.get('text'));
      if (item?.kind === 'section' && item.name === name) return item;
    }
  }

  async probe(session: Session, probes: readonly Probe[], seconds = 2): Promise<ProbeReport> {
    return parseProbeReport(await this.section(session, probeText(probes, seconds), 'probe'), probes);
  }

  async counters(session: Session, request = 'counters\n'): Promise<readonly SaCount[]> {
    const section = await this.section(session, request, 'counters');
    if (section.status !== 0) throw new Error(`status ${section.status}`);
    return parseCounts(section.lines);
  }
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

export function tcp(id: string, port: number, to = THERE, from = HERE): Probe {
  return { id, protocol: 'tcp', source: address(from), destination: address(to), port };
}

export function icmp(id: string, to = THERE, from = HERE): Probe {
  return { id, protocol: 'icmp', source: address(from), destination: address(to) };
}

/** One SA as `ipseckey -n -p dump` prints it on illumos. */
export function dumped(type: 'ESP' | 'AH', spi: string, src: string, dst: string, bytes: number | string): string {
  const family = dst.includes(':') ? 'AF_INET6' : 'AF_INET';
  return `Base message (version 2) type DUMP, SA type ${type}.
Message length 280 bytes, seq=1, pid=1021.
SA: SADB_ASSOC spi=${spi}, replay window size=0, state=MATURE
SA: Authentication algorithm = hmac-sha256
SA: Encryption algorithm = aes-cbc
SA: flags=0x20000000 < X_USED X_OUTBOUND >
SRC: Source address (proto=0)
SRC: ${family}: port 0, ${src}.
DST: Destination address (proto=0)
DST: ${family}: port 0, ${dst}.
AKY: Authentication key.
AKY: XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/256
EKY: Encryption key.
EKY: XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX/128
 LT: Lifetime information
CLT: Current lifetime information:
CLT: ${bytes} bytes protected, 0 allocations used.
CLT: SA added at time: Sun Nov 22 10:00:00 2026
CLT: Time now is Sun Nov 22 10:01:00 2026

`;
}

export const DUMP_END = 'Dump succeeded for SA type 0.\n';
