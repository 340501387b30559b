/** Answers questions about packets: plays the policy's runs on a fresh host, then asks the evaluator for each packet. */

import { OperatorError } from '../errors.js';
import type { Arrival } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import { canLatch, decideLatched } from './decide-latched.js';
import type { DecideCase, InboundQuestion, OutboundQuestion, PacketQuestion, PolicyStep } from './decide-questions.js';
import { runIpsecconf } from './ipsecconf-commands.js';
import { decideInbound, decideOutbound, type InboundDecision } from './match-flow.js';
import type { SaKind } from './match-sa.js';
import type { NameTables } from './name-tables.js';
import { emptySpd, hostRules, type Spd } from './spd.js';

export interface PlayedPolicy {
  readonly spd: Spd;
  /** Of each run in order. */
  readonly runs: readonly { readonly exit: number; readonly stderr: string }[];
}

/** @throws OperatorError BAD_LINE for a run that is not played: listings, removal by file, wrong usage */
export function playPolicy(steps: readonly PolicyStep[], names: NameTables): PlayedPolicy {
  let spd = emptySpd();
  const runs: { exit: number; stderr: string }[] = [];
  for (const { options, text } of steps) {
    const argv = text === undefined ? options : [...options, 'FILE'];
    const outcome = runIpsecconf(spd, argv, text ?? '', names);
    if (outcome === undefined) {
      throw new OperatorError('BAD_LINE', {
        what: `\`ipsecconf ${argv.join(' ')}\` neither adds, flushes nor deletes`,
      });
    }
    spd = outcome.spd;
    runs.push({ exit: outcome.exit, stderr: outcome.stderr });
  }
  return { spd, runs };
}

export function answerCase({ id, steps, questions }: DecideCase, names: NameTables): object {
  const { spd, runs } = playPolicy(steps, names);
  const rules = hostRules(spd);
  return { id, load: runs, queries: questions.map((question) => answerQuestion(rules, question)) };
}

export function answerQuestion(rules: readonly LoadedRule[], question: PacketQuestion): object {
  return question.dir === 'in' ? answerInbound(rules, question) : answerOutbound(rules, question);
}

function answerInbound(rules: readonly LoadedRule[], { packet, arrives, quoted }: InboundQuestion): object {
  const decision = decideInbound(rules, packet, arrives);
  const connected = quoted ?? (canLatch(packet) ? packet : undefined);
  const latched = connected && decideLatched(rules, connected, arrives);
  return {
    ...ruleFields(rules, decision.rule),
    ...verdictFields(decision, arrives),
    ...(latched && { latched: { index: latched.rule?.index ?? null, ...verdictFields(latched, arrives) } }),
    ...((decision.doubtful || latched?.doubtful) && { doubtful: true }),
  };
}

/** The kernel calls a clear packet that meets a drop rule unprotected: it looks at the need for protection first. */
function verdictFields({ verdict, alternative, why }: InboundDecision, arrives: Arrival): object {
  const reason = why !== undefined && arrives.kind === 'clear' ? 'unprotected' : why;
  return { verdict, ...(alternative !== undefined && { alt: alternative }), ...(reason && { why: reason }) };
}

function answerOutbound(rules: readonly LoadedRule[], { packet, sas }: OutboundQuestion): object {
  const { rule, verdict, wants, used, doubtful } = decideOutbound(rules, packet, sas);
  return {
    ...ruleFields(rules, rule),
    verdict,
    ...((verdict === 'protect' || verdict === 'wait') && { wants }),
    ...(verdict === 'protect' && sas !== undefined && { used }),
    ...(verdict === 'drop' && { why: 'drop-rule' }),
    ...(verdict === 'wait' && { asks: askedFor(wants, used) }),
    ...(doubtful && { doubtful: true }),
  };
}

/** Of the key daemon. A missing AH SA brings the ESP one along, also when that is there; not the other way round. */
export function askedFor(wants: readonly SaKind[], used: Readonly<Partial<Record<SaKind, number>>>): readonly SaKind[] {
  if (wants.includes('ah') && used.ah === undefined) return wants;
  return wants.filter((kind) => used[kind] === undefined);
}

function ruleFields(rules: readonly LoadedRule[], rule: LoadedRule | undefined): object {
  if (rule === undefined) return { index: null, rule: null };
  const tie = rules.some(
    (other) =>
      other !== rule &&
      other.tunnel === undefined &&
      other.dir === rule.dir &&
      other.family === rule.family &&
      other.priority === rule.priority,
  );
  return { index: rule.index, rule: rule.text, ...(tie && { tie: true }) };
}
