/** What the answers and the counters of both ends say of one promise. Values only. */

import { parseAddress, sameAddress } from '../model/address.js';
import type { ProbedFlow, ProbeResult } from '../model/link-probe.js';
import type { ProbeReply } from '../model/probe.js';
import { conversationText } from './flow-kind.js';
import { counts, held, moved, movedText, named, sameSa, type Counted, type Moved } from './moved-sas.js';
import type { PlannedProbe } from './plan-probes.js';

type Heard = Pick<ProbeReply, 'answer' | 'text'> & Partial<Pick<ProbeReply, 'means'>>;

/** Means that send from whichever of its addresses the host likes. */
const ANY_SOURCE: readonly (string | undefined)[] = ['ksh', 'ksh93', 'bash'];

/** What was seen of one probe. */
export interface Seen {
  readonly first: Heard;
  readonly second?: Heard;
  /** Around the tries alone; absent for this machine, which has no SAs. */
  readonly sender?: Counted;
  readonly receiver?: Counted;
  /** Of the sender, for as long as the receiver's: with the tries of the other way. Absent where nobody tried that way. */
  readonly around?: Counted;
  /** Whether another flow between the same two was answered at the same time; absent: none was tried. */
  readonly control?: boolean;
  /** Seconds that a flow had to work. */
  readonly waitedSeconds: number;
  /** Not as long as the settings ask for: the confirm window was too near. */
  readonly hurried: boolean;
}

export function judgeProbe(probe: PlannedProbe, seen: Seen): ProbeResult {
  switch (probe.expect) {
    case 'protected':
      return judgeProtected(probe, seen);
    case 'clear':
      return judgeClear(probe, seen);
    case 'refused':
      return judgeRefused(probe, seen);
  }
}

function judgeProtected(probe: PlannedProbe, seen: Seen): ProbeResult {
  const { first, second } = seen;
  const answered = [first, second].find((reply) => reply !== undefined && isAnswer(reply));
  if (answered !== undefined) {
    const by = answered === first ? probe.first : (probe.second ?? probe.first);
    const flow = { ...flowOf(probe), flow: conversationText(by) };
    const proof = carried(probe, seen);
    if ('missing' in proof) {
      const [other] = ANY_SOURCE.includes(answered.means) ? movedFromOthers(seen.sender, probe) : [];
      if (other !== undefined)
        return untried(
          probe,
          `${answered.means} sent it from another address of ${probe.from}: ${movedText(other, 'out')}`,
        );
      return {
        ...flow,
        state: 'broken',
        fault: 'in-the-clear',
        evidence: `${probe.to} answered, and ${proof.missing}`,
        cause: 'it passed without protection, or protected by nothing that both ends count',
        todo: 'look at the loaded policy of both ends: `ipsec-deploy verify` compares it, `ipsecconf -ln` lists it',
      };
    }
    const unheard = answered === first ? '' : `; ${unheardText(probe, first)}`;
    const stuck = answered === first || first.answer !== 'silent' ? undefined : stuckSa(probe, seen);
    if (stuck !== undefined) {
      // The ping has SAs of its own, and shows nothing of those that the connection asked for.
      return {
        ...flowOf(probe),
        state: 'broken',
        fault: 'key-mismatch',
        evidence: `no answer, though a ping has one; ${movedText(stuck, `out at ${probe.from}`)}; ${probe.to} has that SA, and it did not move`,
        cause: `the two ends have different keys or algorithms for ${probe.flow}, or its ESP (IP protocol 50) is dropped on the way`,
        todo: `compare the keys and rules of both ends (\`ipsec-deploy drift ${probe.from} ${probe.to}\`)`,
      };
    }
    return { ...flow, state: 'held', evidence: `${proof.evidence}${unheard}` };
  }
  const tried = [first, second].find((reply) => reply?.answer === 'silent');
  if (tried === undefined) {
    const reasons = [first.text, second?.text ?? ''].filter((text) => text !== '');
    return untried(probe, [...new Set(reasons)].join('; '));
  }
  if (seen.hurried)
    return untried(probe, `no answer within the ${seconds(seen.waitedSeconds)} that the confirm window left`);
  return { ...flowOf(probe), state: 'broken', ...silence(probe, seen) };
}

/** Why nothing came back, as far as the counters of both ends tell. */
function silence(
  probe: PlannedProbe,
  seen: Seen,
): Pick<Extract<ProbeResult, { state: 'broken' }>, 'fault' | 'evidence' | 'cause' | 'todo'> {
  const { from, to, sender: source, receiver: destination } = probe;
  const out = moved(seen.sender, source, destination);
  const arrived = moved(seen.receiver, source, destination);
  const answered = moved(seen.receiver, destination, source);
  const none = `no answer within ${seconds(seen.waitedSeconds)}`;
  const link = probe.link ?? `${from} and ${to}`;
  const explain = `see \`ipsec-deploy explain ${from} ${to}\` and \`ipsec-deploy verify\``;
  if (seen.sender !== undefined && out.length === 0) {
    const has = held(seen.sender, source, destination);
    return has.length === 0
      ? {
          fault: 'missing-sa',
          evidence: `${none}; ${from} has no SA to ${probe.destination}`,
          cause: `the key daemons have not agreed on one (preshared keys, IKE rules, UDP ports 500 and 4500), or the manual SA is not loaded`,
          todo: `look at the log of in.iked on both ends; ${explain}`,
        }
      : {
          fault: 'no-answer',
          evidence: `${none}; ${named(has[0], from)} did not move: nothing left ${from} protected`,
          cause: `${from} sends it in the clear (the policy loaded there is not the one that was meant), drops it itself, or sends it another way than its SAs are for`,
          todo: explain,
        };
  }
  if (seen.receiver !== undefined && arrived.length === 0) {
    const there = held(seen.receiver, source, destination);
    const same = there.some(({ type, spi }) => out.some((one) => sameSa(one, { type, spi })));
    const sent = out.map((one) => movedText(one, `out at ${from}`)).join(', ');
    return {
      fault: same ? 'key-mismatch' : 'missing-sa',
      evidence: `${none}; ${sent === '' ? '' : `${sent}; `}${
        same
          ? `${to} has that SA, and it did not move`
          : `${to} has no SA with ${out.length === 1 ? 'that SPI' : 'those SPIs'}`
      }`,
      cause: same
        ? 'the two ends have different keys or algorithms for it, or ESP (IP protocol 50) is dropped on the way'
        : 'the ends do not have the same SAs',
      todo: `compare the keys of ${link} at both ends (\`ipsec-deploy drift ${from} ${to}\`), and look for packet filters between them`,
    };
  }
  const came = arrived.map((one) => movedText(one, `in at ${to}`)).join(', ');
  if (arrived.length > 0 && answered.length === 0) {
    return {
      fault: 'no-answer',
      evidence: `${none}; ${came}; nothing left ${to} on an SA to ${probe.source}`,
      cause: `${to} takes it off the wire and does not answer, or answers in the clear: its rule wants other protection, it has no SA for the way back, or a packet filter there drops ${probe.flow}`,
      todo: `${explain}; settings.probes.ports names ports that answer`,
    };
  }
  if (answered.length > 0) {
    const left = `${none}; ${came === '' ? '' : `${came}, `}${answered.map((one) => movedText(one, `out at ${to}`)).join(', ')}`;
    const has = held(seen.sender, destination, source).filter((one) => answered.some((other) => sameSa(one, other)));
    if (has.length > 0 && moved(seen.around ?? seen.sender, destination, source).length === 0) {
      return {
        fault: 'key-mismatch',
        evidence: `${left}; ${from} has that SA, and it did not move`,
        cause:
          'the two ends have different keys or algorithms for the way back, or ESP (IP protocol 50) is dropped on it',
        todo: `compare the keys of ${link} at both ends (\`ipsec-deploy drift ${from} ${to}\`), and look for packet filters between them`,
      };
    }
    return {
      fault: 'no-answer',
      evidence: left,
      // Tries of the other way use the same SAs: what left may be one of those, and no answer.
      cause: `${from} does not take the answer (keys or algorithms of the way back differ), or ${to} gives none to ${probe.flow} (its rule, or a packet filter there)`,
      todo: `compare the keys of ${link} at both ends (\`ipsec-deploy drift ${from} ${to}\`)`,
    };
  }
  return { fault: 'no-answer', evidence: none, cause: 'the SAs of the ends could not be counted', todo: explain };
}

function unheardText({ flow }: PlannedProbe, { answer, text }: Seen['first']): string {
  if (answer === 'silent') return `${flow} had no answer: nothing of a link's keys, perhaps a packet filter there`;
  return `${flow} could not be tried${text === '' ? '' : ` (${text})`}`;
}

/** SAs from other addresses of the sender that carried something to the same place. */
function movedFromOthers(counted: Counted | undefined, { sender, receiver }: PlannedProbe): readonly Moved[] {
  const sources = (counted?.after ?? []).flatMap(({ src }) => parseAddress(src ?? '') ?? []);
  return sources.filter((one) => !sameAddress(one, sender)).flatMap((one) => moved(counted, one, receiver));
}

/** An SA on which the sender sent and from which the receiver, which has it, took nothing. */
function stuckSa(
  { sender: source, receiver: destination }: PlannedProbe,
  { sender, receiver }: Seen,
): Moved | undefined {
  const arrived = moved(receiver, source, destination);
  const there = held(receiver, source, destination);
  return moved(sender, source, destination).find(
    (one) => there.some((other) => sameSa(one, other)) && !arrived.some((other) => sameSa(one, other)),
  );
}

/** Whether the SAs of both ends carried an answered flow, there and back. */
function carried(
  { from, to, sender: source, receiver: destination }: PlannedProbe,
  { sender, receiver }: Seen,
): { readonly evidence: string } | { readonly missing: string } {
  const there = moved(sender, source, destination);
  const back = moved(sender, destination, source);
  if (sender !== undefined && there.length === 0)
    return { missing: `no SA of ${from} carried anything to ${to}${counts(sender, source, destination)}` };
  if (sender !== undefined && back.length === 0)
    return { missing: `no SA of ${from} carried the answer${counts(sender, destination, source)}` };
  if (receiver === undefined)
    return { evidence: `${movedText(there[0], `out at ${from}`)}; ${to} could not be asked what it counted` };
  const arrived = moved(receiver, source, destination);
  const answered = moved(receiver, destination, source);
  const both = there.find((one) => arrived.some((other) => sameSa(one, other)));
  const bothBack = back.find((one) => answered.some((other) => sameSa(one, other)));
  if (both === undefined)
    return {
      missing: `${movedText(there[0], `out at ${from}`)} and not in at ${to}${counts(receiver, source, destination)}`,
    };
  if (bothBack === undefined) return { missing: `${movedText(back[0], `in at ${from}`)} and not out at ${to}` };
  return {
    evidence: `${movedText(both, `out at ${from} and in at ${to}`)}, ${movedText(bothBack, 'back')}`,
  };
}

function judgeClear(probe: PlannedProbe, { first, control, waitedSeconds }: Seen): ProbeResult {
  if (isAnswer(first)) return { ...flowOf(probe), state: 'held', evidence: `answered (${answerText(first)})` };
  if (first.answer === 'untried') return untried(probe, first.text);
  if (control === false) return untried(probe, `nothing at all of ${probe.to} answers ${probe.from}`);
  if (probe.because === 'policy')
    return untried(probe, 'no answer: a packet filter may keep it out, or nobody listens');
  return {
    ...flowOf(probe),
    state: 'broken',
    fault: 'no-answer',
    evidence: `no answer within ${seconds(waitedSeconds)}`,
    cause: `${probe.to} drops it, or a packet filter on the way does`,
    todo: `see \`ipsec-deploy explain ${probe.from === 'controller' ? probe.source : probe.from} ${probe.to} ${probe.flow}\``,
  };
}

function judgeRefused(probe: PlannedProbe, { first, control, waitedSeconds }: Seen): ProbeResult {
  if (first.answer === 'untried') return untried(probe, first.text);
  if (isAnswer(first)) {
    return {
      ...flowOf(probe),
      state: 'broken',
      fault: 'not-refused',
      evidence: `answered (${answerText(first)})`,
      cause: `${probe.to} lets it in: the policy that is loaded is not the one that was meant, or a packet filter on the way answers in its place`,
      todo: 'look what is loaded there: `ipsec-deploy verify`, `ipsecconf -ln`',
    };
  }
  if (control === false) return untried(probe, `nothing at all of ${probe.to} answers ${probe.from}`);
  const shown =
    control === true ? 'while another flow between the two was answered' : 'nothing else shows that the way is open';
  return { ...flowOf(probe), state: 'held', evidence: `no answer within ${seconds(waitedSeconds)}, ${shown}` };
}

function isAnswer({ answer }: Pick<ProbeReply, 'answer'>): boolean {
  return answer === 'open' || answer === 'closed';
}

function answerText({ answer }: Pick<ProbeReply, 'answer'>): string {
  return answer === 'open' ? 'a connection' : 'a refusal by RST';
}

function flowOf({ link, from, to, source, destination, flow, expect, because }: PlannedProbe): ProbedFlow {
  return { ...(link !== undefined && { link }), from, to, source, destination, flow, expect, because };
}

function untried(probe: PlannedProbe, why: string): ProbeResult {
  return { ...flowOf(probe), state: 'untried', why: why === '' ? 'the host has no means to try it' : why };
}

function seconds(count: number): string {
  return `${count} s`;
}
