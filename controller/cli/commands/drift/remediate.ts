/** `drift --remediate`: hosts that drifted are put right, as far as the inventory lets that be done by itself. With `--dry-run` it is only said. */

import { advance } from '../../../drift/incidents.js';
import { judgePass, passExit } from '../../../drift/judge-pass.js';
import type { RemediationRules } from '../../../drift/remediation.js';
import { EXIT, OperatorError, type ExitStatus } from '../../../errors.js';
import { selectHosts } from '../../../inventory/select.js';
import type { RunEvent } from '../../../model/run.js';
import { driftText } from '../../../report/drift-text.js';
import { remediationText } from '../../../report/remediation-text.js';
import { driftPass } from '../../../run/drift-pass.js';
import type { Remediate, Remedied } from '../../../run/drift-round.js';
import { linksOf, planRemediation, remediate, type RemediateInput } from '../../../run/remediate.js';
import { ownNetwork } from '../../../remote/own-network.js';
import type { SessionLot } from '../../../run/session-lot.js';
import { withLot, type Context } from '../../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../../interrupts.js';
import { printFleetPlan } from '../plan.js';
import { preparePass, type PassWords } from './prepare-pass.js';
import { readMemory } from './with-memory.js';

/** @throws OperatorError NO_REMEDIATION, LIMIT_… */
export function remediator(context: Context): Remediate {
  const rules = rulesOf(context);
  return (found) => withLot(context, (lot) => remediate(inputOf(context, rules, lot), found), { stop: found.stop });
}

function rulesOf({ inventory, settings }: Context): RemediationRules {
  const { remediate: wanted, confirmLooks } = settings.drift;
  if (wanted === undefined) {
    throw new OperatorError('NO_REMEDIATION', {
      what: 'nothing says which hosts and which kinds of drift may be put right without a person',
      where: '--remediate',
      todo: 'write them into the inventory: drift: { remediate: { kinds: [file-mode, rule-missing], groups: [web] } }',
    });
  }
  return {
    kinds: wanted.kinds,
    hosts: new Set(selectHosts(inventory, wanted.groups.join(',')).map(({ name }) => name)),
    hostsPerHour: wanted.hostsPerHour,
    confirmLooks,
    links: linksOf(inventory),
  };
}

function inputOf(context: Context, rules: RemediationRules, lot: SessionLot): RemediateInput {
  const { inventory, settings, clock, random, log } = context;
  const emit = (event: RunEvent): void => {
    const isBad = event.event === 'outcome' && event.status !== 'confirmed' && event.status !== 'unchanged';
    log.event(isBad ? 'warn' : 'info', event.event, { ...event });
  };
  return { inventory, settings, rules, lot, clock, random, emit, own: ownNetwork };
}

/** The worst of what became of hosts; a host that is left alone needs a person. */
export function remedyExit({ records, quarantines }: Remedied): ExitStatus {
  const words = new Set(records.map(({ outcome }) => outcome));
  if (words.has('unknown')) return EXIT.unknown;
  const known = new Set(records.map(({ host }) => host));
  const isAlone = quarantines.some(({ host }) => !known.has(host));
  if (isAlone || words.has('failed') || words.has('refused') || words.has('unreachable')) return EXIT.failed;
  return words.has('reverted') ? EXIT.reverted : EXIT.ok;
}

/** Nothing is changed, on hosts or in what is remembered. Exit as a look. */
export async function previewRemediation(
  context: Context,
  args: PassWords & { readonly strict: boolean },
): Promise<ExitStatus> {
  const { output, clock, settings, inventory, selected } = context;
  const rules = rulesOf(context);
  const before = await readMemory(context);
  const interrupts = catchInterrupts(output.note, NO_MORE_LOOKS);
  try {
    const ground = await preparePass(context, args, interrupts.ends);
    const pass = await driftPass({
      ...ground,
      lastGenerations: before.generations,
      hosts: selected,
      stop: interrupts.signal,
      emit: () => undefined,
    });
    if (interrupts.signal.aborted) return EXIT.interrupted;
    const { confirmLooks, dampingSeconds } = settings.drift;
    const hosts = inventory.hosts.map(({ name }) => name);
    const { memory } = advance(
      before,
      pass,
      { fleet: inventory.fleet, hosts, confirmLooks, dampingSeconds },
      clock.now(),
    );
    const judged = judgePass(pass, memory, clock.now());
    const tellPlan = async (lot: SessionLot): Promise<void> => {
      const found = { pass, memory, stop: interrupts.signal };
      const { plan, halted, ...news } = await planRemediation(inputOf(context, rules, lot), found);
      const said = { ...news, ...(halted === undefined ? {} : { halted }) };
      if (output.format === 'json') {
        printFleetPlan(context, plan);
        output.json({ event: 'drift-remediation', dryRun: true, hosts: plan.groups.flat(), ...said });
        return;
      }
      output.print(driftText(judged, { asked: selected.length, pending: ground.desired !== undefined }, output.paint));
      if (plan.groups.length > 0) printFleetPlan(context, plan);
      output.print(remediationText(said, { inventory: args.inventory, paint: output.paint }));
    };
    await withLot(context, tellPlan, interrupts.ends);
    return interrupts.signal.aborted ? EXIT.interrupted : passExit(judged.looks, args.strict);
  } finally {
    interrupts.release();
  }
}
