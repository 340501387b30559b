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
import { EMPTY_STORE, marksAlone, marksIn, remember, type MarksOf } from './remembered-actions.js';
import { emptySpd, hostRules, type Spd } from './spd.js';

export interface PlayedPolicy {
  readonly spd: Spd;
  /** Of each run in order. */
  readonly runs: readonly { readonly exit: number; readonly stderr: string }[];
  /** What the kernel believes of a rule after all that was loaded, refused rules included. */
  readonly marksOf: MarksOf;
}

/** @throws OperatorError BAD_LINE for a run that is not played: listings, removal by file, wrong usage */
export function playPolicy(steps: readonly PolicyStep[], names: NameTables): PlayedPolicy {
  let spd = emptySpd();
  let store = EMPTY_STORE;
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
    store = remember(store, outcome.offered);
    runs.push({ exit: outcome.exit, stderr: outcome.stderr });
  }
  return { spd, runs, marksOf: marksIn(store) };
}

export function answerCase({ id, steps, questions }: DecideCase, names: NameTables): object {
  const { spd, runs, marksOf } = playPolicy(steps, names);
  const rules = hostRules(spd);
  return { id, load: runs, queries: questions.map((question) => answerQuestion(rules, question, marksOf)) };
}

/**
 * The answers of a host on which no other rule ever used the alternatives of the rule that decides; `remembered` holds
 * what this host answers, after all it was given, where that differs.
 */
function answerQuestion(rules: readonly LoadedRule[], question: PacketQuestion, marksOf: MarksOf): object {
  const { rule, doubtful, answer } = answerWith(rules, question, marksAlone);
  const remembered = answerWith(rules, question, marksOf).answer;
  const differs = JSON.stringify(remembered) !== JSON.stringify(answer);
  return {
    ...ruleFields(rules, rule),
    ...answer,
    ...((doubtful || differs) && { doubtful: true }),
    ...(differs && { remembered }),
  };
}

interface Answered {
  readonly rule: LoadedRule | undefined;
  readonly doubtful: boolean;
  readonly answer: object;
}

function answerWith(rules: readonly LoadedRule[], question: PacketQuestion, marksOf: MarksOf): Answered {
  return question.dir === 'in' ? answerInbound(rules, question, marksOf) : answerOutbound(rules, question, marksOf);
}

function answerInbound(
  rules: readonly LoadedRule[],
  { packet, arrives, quoted }: InboundQuestion,
  marksOf: MarksOf,
): Answered {
  const decision = decideInbound(rules, packet, arrives, marksOf);
  const connected = quoted ?? (canLatch(packet) ? packet : undefined);
  const latched = connected && decideLatched(rules, connected, arrives, marksOf);
  return {
    rule: decision.rule,
    doubtful: decision.doubtful || latched?.doubtful === true,
    answer: {
      ...verdictFields(decision, arrives),
      ...(latched && { latched: { index: latched.rule?.index ?? null, ...verdictFields(latched, arrives) } }),
    },
  };
}

/** The kernel calls a clear packet that meets a drop rule unprotected: it looks at the need for protection first. */
function verdictFields({ verdict, alternative, why }: InboundDecision, arrives: Arrival): object {
  const reason = why !== undefined && arrives.kind === 'clear' ? 'unprotected' : why;
  return { verdict, ...(alternative !== undefined && { alt: alternative }), ...(reason && { why: reason }) };
}

function answerOutbound(rules: readonly LoadedRule[], { packet, sas }: OutboundQuestion, marksOf: MarksOf): Answered {
  const { rule, verdict, wants, used, doubtful } = decideOutbound(rules, packet, sas, marksOf);
  const answer = {
    verdict,
    ...((verdict === 'protect' || verdict === 'wait') && { wants }),
    ...(verdict === 'protect' && sas !== undefined && { used }),
    ...(verdict === 'drop' && { why: 'drop-rule' }),
    ...(verdict === 'wait' && { asks: askedFor(wants, used) }),
  };
  return { rule, doubtful, answer };
}

/** Of the key daemon. A missing AH SA brings the ESP one along, also when that is there; not the other way round. */
function askedFor(wants: readonly SaKind[], used: Readonly<Partial<Record<SaKind, number>>>): readonly SaKind[] {
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
