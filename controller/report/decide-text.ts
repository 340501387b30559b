/** What becomes of a packet, for a person: the verdict, the rule with its place in the file, and why no other one decided. */

import type { LoadedRule } from '../model/policy.js';
import type { PassedOver } from '../policy/decide-misses.js';
import type { Decided } from '../policy/decide-words.js';
import type { InboundRefusal } from '../policy/match-flow.js';
import { ICMP, ICMP6 } from '../policy/match-selector.js';
import { printable, type Colour, type Paint } from './paint.js';

const REFUSALS: Readonly<Record<InboundRefusal, string>> = {
  unprotected: 'it must come protected, and protection is missing, wholly or in part',
  'clear-expected': 'it came protected, and the rule expects it in clear',
  'drop-rule': 'the rule drops it',
  'ah-alg': 'it came under AH with another algorithm than the rule asks for',
  'ah-unexpected': 'it came with AH, which the rule does not ask for: more protection than asked is refused as well',
  'esp-cipher': 'it came under ESP with another cipher than the rule asks for',
  'esp-integrity': 'it came under ESP with another integrity algorithm than the rule asks for',
  'esp-unexpected': 'it came with ESP, which the rule does not ask for: more protection than asked is refused as well',
  'sa-ports': 'the SA it came with is for other ports or another protocol',
};

const REMEMBERED = {
  accept: 'accepted',
  drop: 'dropped',
  clear: 'sent in clear',
  protect: 'protected',
  wait: 'protected',
} as const;

/** Rules shown of those that did not decide. */
const MOST_RULES = 5;

export function decideText(decided: Decided, file: string, paint: Paint): string {
  const { asked, decision, candidates } = decided;
  const { rule, doubtful } = decision;
  const [colour, word, because] = verdictOf(decided);
  const lines = [`${printable(asked.words)}: ${paint(colour, word)}`, `  ${because}`];
  if (rule !== undefined) lines.push(`  rule: ${ruleLine(rule, file)}`);
  if (decided.dir === 'in' && decided.latched !== undefined) {
    const latched = decided.latched.verdict === 'accept' ? 'accepts it' : 'drops it';
    lines.push(`  a socket that connected while this policy was in force ${latched}`);
  }
  if (doubtful) {
    lines.push(
      `  ${paint('yellow', 'doubtful:')} what was loaded since boot can change this, for such a mixture of alternatives`,
    );
    if (decided.remembered !== undefined) {
      const word = REMEMBERED[decided.remembered];
      lines.push(`  on a host that loaded nothing but this file since boot: ${paint('yellow', word)}`);
    }
  }
  if (decided.dir === 'in' && [ICMP, ICMP6].includes(asked.packet.protocol)) {
    lines.push(
      '  this is what a raw ICMP socket gets: ICMP for the host itself, such as ping, is not checked by default',
    );
  }
  lines.push(
    ...section('passed over, though they rank higher:', candidates.passedOver, (one) => passedLine(one, file), paint),
    ...section('would match too, but rank lower:', candidates.outranked, (one) => ruleLine(one, file), paint),
  );
  return `${lines.join('\n')}\n`;
}

function verdictOf(decided: Decided): readonly [Colour, string, string] {
  if (decided.dir === 'out') {
    const { rule, verdict, wants } = decided.decision;
    switch (verdict) {
      case 'clear':
        return ['green', 'sent in clear', rule === undefined ? 'no rule matches' : 'the rule lets it pass'];
      case 'drop':
        return ['red', 'dropped', 'the rule drops it'];
      default: {
        const sas = wants.map((kind) => kind.toUpperCase()).join(' and ');
        return ['cyan', 'protected', `it needs ${sas}: sent under SAs that suit the rule, and lost without them`];
      }
    }
  }
  const { rule, verdict, alternative, why } = decided.decision;
  if (verdict === 'accept') {
    if (rule === undefined) return ['green', 'accepted', 'no rule matches, and it came in clear'];
    if (alternative === undefined) return ['green', 'accepted', 'the rule lets it pass'];
    const which = rule.actions.length > 1 ? `alternative ${alternative + 1} of the rule` : 'the rule';
    return ['green', 'accepted', `its protection is what ${which} asks for`];
  }
  if (rule === undefined) return ['red', 'dropped', 'it came protected, and no rule asks for protection'];
  return ['red', 'dropped', why === undefined ? 'the rule refuses it' : REFUSALS[why]];
}

function ruleLine(rule: LoadedRule, file: string): string {
  const { line, column } = rule.source;
  return printable(`${file}:${line}:${column}  ${rule.text}`);
}

function passedLine({ rule, misses }: PassedOver, file: string): string {
  const words = misses.map(({ field, wants, has }) => `${field} ${wants}, not ${has}`);
  return `${ruleLine(rule, file)}\n      ${printable(words.join('; '))}`;
}

function section<T>(title: string, all: readonly T[], line: (one: T) => string, paint: Paint): string[] {
  if (all.length === 0) return [];
  const shown = all.slice(0, MOST_RULES).map((one) => `    ${line(one)}`);
  const more = all.length - shown.length;
  return [`  ${paint('dim', title)}`, ...shown, ...(more > 0 ? [`    and ${more} more`] : [])];
}
