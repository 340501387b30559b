/** `verify`: whether hosts are what the inventory asks for, loaded policy, SAs, daemon and services included; alarms come first. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, type ExitStatus } from '../../errors.js';
import type { Alarm } from '../../model/alarm.js';
import type { FleetPlan } from '../../plan/fleet-plan.js';
import { isUnchanged } from '../../plan/host-plan.js';
import { addressNames } from '../../proof/address-names.js';
import { verifyText } from '../../report/verify-text.js';
import { SessionLot } from '../../run/session-lot.js';
import { FleetVerifier } from '../../run/verify-fleet.js';
import { fleetOptions, RISKS, type FleetArguments } from '../arguments.js';
import { inventoryFile, withContext, type Context } from '../context.js';
import { catchInterrupts, NO_MORE_LOOKS, type Interrupts } from '../interrupts.js';
import { makePlan } from '../make-plan.js';
import { planExit } from './plan.js';

export const verifyCommand: CommandModule<object, FleetArguments> = {
  command: 'verify [inventory]',
  describe: 'check that what is loaded on the hosts is what the inventory asks for, and that they protect',
  builder: (argv: Argv): Argv<FleetArguments> => fleetOptions(argv),
  handler: (args) =>
    withContext(args, async (context) => {
      const interrupts = catchInterrupts(context.output.note, NO_MORE_LOOKS);
      try {
        const { plan, alarms } = await lookAndJudge(context, args.inventory, interrupts);
        tell(context, plan, alarms);
        return interrupts.signal.aborted ? EXIT.interrupted : verifyExit(plan, alarms);
      } finally {
        interrupts.release();
      }
    }),
};

/** Changes nothing on any host: an agent that is not there yet is not left there. */
async function lookAndJudge(context: Context, named: string, { signal: stop, ends }: Interrupts) {
  const { inventory, selected, settings, clock } = context;
  const link = await context.openLink(ends);
  const lot = new SessionLot(link, { readOnly: true });
  const { keyAgeDays, clockSeconds } = settings.drift;
  // A folder stands for the inventory in it, but not to every command that an alarm names.
  const words = { inventory: await inventoryFile(named), keyAgeDays, clockSeconds, nameOf: addressNames(inventory) };
  let verifier: FleetVerifier | undefined;
  try {
    const made = await makePlan(context, lot, RISKS, stop, (desired) => {
      const judging = new FleetVerifier({ inventory, desired, clock, settings: words });
      verifier = judging;
      return (session, host) => judging.observe(session, host);
    });
    const chosen = new Set(selected.map((host) => host.name));
    const plan = { ...made.plan, hosts: made.plan.hosts.filter((host) => chosen.has(host.host)), pulledIn: [] };
    const alarms = (await verifier?.alarms(selected, { link, forks: settings.forks, stop })) ?? [];
    return { plan, alarms };
  } finally {
    await lot.closeAll();
  }
}

function tell({ output }: Context, plan: FleetPlan, alarms: readonly Alarm[]): void {
  if (output.format !== 'json') {
    output.print(verifyText(plan, alarms, output.paint));
    return;
  }
  for (const alarm of alarms) output.json({ event: 'alarm', ...alarm });
  for (const host of plan.hosts) {
    const kinds = alarms.flatMap((alarm) => (alarm.host === host.host ? alarm.kind : []));
    const asWanted = isUnchanged(host) && kinds.length === 0;
    const rules = { rulesRendered: host.spd.length, rulesLoaded: host.loaded.length };
    output.json({ event: 'verified', asWanted, alarms: kinds, ...rules, ...host });
  }
  for (const { host, outcome } of plan.excluded) output.json({ event: 'outcome', host, ...outcome });
}

/** An alarm is a difference, whatever else is equal. */
function verifyExit(plan: FleetPlan, alarms: readonly Alarm[]): ExitStatus {
  const exit = planExit(plan);
  return exit === EXIT.ok && alarms.length > 0 ? EXIT.changes : exit;
}
