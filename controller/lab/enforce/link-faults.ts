/** What is wrong with the hosts' links of an enforcing lab, as rules for nft at the wire's end: a host's own rules are not touched. */

export type Direction = 'in' | 'out';

/** Seen from the host. */
export interface LinkState {
  readonly cut: readonly Direction[];
  /** Of 100 frames each way, chosen at random. */
  readonly lossPercent: number;
}

export const SOUND_LINK: LinkState = { cut: [], lossPercent: 0 };

const FAULT_TABLE = 'bridge lab_faults';

/** Replaces all faults by those of these ports, in one transaction. Frames of every kind are meant, ARP too. */
export function faultRules(links: ReadonlyMap<string, LinkState>): string {
  return `table ${FAULT_TABLE} {}
delete table ${FAULT_TABLE}
table ${FAULT_TABLE} {
  chain from_hosts {
    type filter hook prerouting priority -300; policy accept;
${rules(links, 'out', 'iifname')}  }
  chain to_hosts {
    type filter hook postrouting priority 300; policy accept;
${rules(links, 'in', 'oifname')}  }
}
`;
}

function rules(links: ReadonlyMap<string, LinkState>, direction: Direction, key: 'iifname' | 'oifname'): string {
  return [...links]
    .flatMap(([port, { cut, lossPercent }]) => {
      // nft compares chance with 0 to 99 alone.
      if (cut.includes(direction) || lossPercent >= 100) return [`    ${key} "${port}" counter drop\n`];
      return lossPercent > 0 ? [`    ${key} "${port}" numgen random mod 100 < ${lossPercent} counter drop\n`] : [];
    })
    .join('');
}
