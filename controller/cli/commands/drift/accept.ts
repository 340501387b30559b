/** `drift accept`, `accepted`, `unaccept`: findings that a person has looked at and that may stay until a day. */

import type { Argv, CommandModule } from 'yargs';

import { checkReason, isInForce, parseUntil } from '../../../drift/acceptance.js';
import { chooseFindings, type Candidate } from '../../../drift/choose-finding.js';
import { EXIT } from '../../../errors.js';
import type { Acceptance, DriftMemory } from '../../../model/drift.js';
import type { Clock } from '../../../ports.js';
import { acceptanceText, noLongerAcceptedText } from '../../../report/incident-text.js';
import { commonOptions, type CommonArguments } from '../../arguments.js';
import { withContext, type Context } from '../../context.js';
import { operatorName } from '../../operator-name.js';
import { changeMemory, checkHost, readMemory } from './with-memory.js';

export interface MemoryArguments extends CommonArguments {
  readonly inventory: string;
}

/** All that a command needs to list what is remembered. */
export interface Listing extends Pick<Context, 'output'> {
  readonly clock: Pick<Clock, 'now'>;
}

interface FindingArguments extends MemoryArguments {
  readonly host: string;
  readonly finding: string;
}

interface AcceptArguments extends FindingArguments {
  readonly until: string;
  readonly reason: string;
}

/** The fleet is not gone to: all hosts, none at a time. */
export const NO_HOSTS = { limit: undefined, forks: undefined } as const;

export const acceptCommand: CommandModule<object, AcceptArguments> = {
  command: 'accept <host> <finding> [inventory]',
  describe: 'let a finding be until a day: it is not told of, and does not count',
  builder: (argv: Argv): Argv<AcceptArguments> =>
    findingOptions(argv)
      .option('until', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'a day such as 2027-01-31 (included, UTC), a time, or a duration such as 14d',
      })
      .option('reason', { type: 'string', demandOption: true, requiresArg: true, describe: 'why, in one line' }),
  handler: (args) =>
    withContext({ ...args, ...NO_HOSTS }, async (context) => {
      const now = context.clock.now();
      const until = parseUntil(args.until, now).toISOString();
      const reason = checkReason(args.reason);
      checkHost(context, args.host);
      let accepted: readonly Acceptance[] = [];
      await changeMemory(context, (memory) => {
        const ids = chooseFindings(args.finding, args.host, acceptable(memory, args.host, now), {
          what: 'nothing is found on this host, as far as is remembered',
          todo: 'only what `ipsec-deploy drift --once` or the drift service has found can be accepted',
        });
        accepted = ids.map((id) => ({
          host: args.host,
          id,
          until,
          reason,
          by: operatorName(),
          at: now.toISOString(),
        }));
        return { ...memory, acceptances: [...withoutThese(memory, args.host, ids), ...accepted] };
      });
      accepted.forEach((one) => tell(context, 'drift-accepted', one));
      return EXIT.ok;
    }),
};

export const unacceptCommand: CommandModule<object, FindingArguments> = {
  command: 'unaccept <host> <finding> [inventory]',
  describe: 'let an accepted finding count again',
  builder: (argv: Argv): Argv<FindingArguments> => findingOptions(argv),
  handler: (args) =>
    withContext({ ...args, ...NO_HOSTS }, async (context) => {
      let ended: readonly Acceptance[] = [];
      await changeMemory(context, (memory) => {
        const candidates = acceptedOn(memory, args.host);
        const ids = chooseFindings(args.finding, args.host, candidates, {
          what: 'nothing is accepted on this host',
          todo: 'see ipsec-deploy drift accepted',
        });
        ended = memory.acceptances.filter(({ host, id }) => host === args.host && ids.includes(id));
        return { ...memory, acceptances: withoutThese(memory, args.host, ids) };
      });
      for (const one of ended) {
        if (context.output.format === 'json') context.output.json({ event: 'drift-unaccepted', ...one });
        else context.output.print(noLongerAcceptedText(one, context.output.paint));
      }
      return EXIT.ok;
    }),
};

export const acceptedCommand: CommandModule<object, MemoryArguments> = {
  command: 'accepted [inventory]',
  describe: 'what is accepted, until when, why and by whom',
  builder: (argv: Argv): Argv<MemoryArguments> => memoryOptions(argv),
  handler: (args) =>
    withContext({ ...args, ...NO_HOSTS }, async (context) => {
      showAcceptances(context, await readMemory(context));
      return EXIT.ok;
    }),
};

export function showAcceptances(listing: Listing, { acceptances }: DriftMemory): void {
  acceptances.forEach((one) => tell(listing, 'drift-acceptance', one));
  if (acceptances.length === 0 && listing.output.format === 'text') listing.output.print('nothing is accepted\n');
}

export function memoryOptions<T>(argv: Argv<T>): Argv<T & MemoryArguments> {
  return commonOptions(argv).positional('inventory', {
    type: 'string',
    default: 'inventory.yaml',
    describe: 'the inventory file',
  });
}

function findingOptions<T>(argv: Argv<T>): Argv<T & FindingArguments> {
  return memoryOptions(argv)
    .positional('host', { type: 'string', demandOption: true, describe: 'a host of the inventory' })
    .positional('finding', {
      type: 'string',
      demandOption: true,
      describe: 'its id, the beginning of it, or a kind for all findings of that kind',
    });
}

function tell({ output, clock }: Listing, event: string, acceptance: Acceptance): void {
  if (output.format === 'json') output.json({ event, ...acceptance, inForce: isInForce(acceptance, clock.now()) });
  else output.print(acceptanceText(acceptance, clock.now(), output.paint));
}

/** What is open, and what is accepted already and may be so for longer. */
function acceptable(memory: DriftMemory, host: string, now: Date): readonly Candidate[] {
  const open = memory.incidents.filter(({ finding, cleared }) => finding.host === host && cleared === undefined);
  const inForce = { acceptances: memory.acceptances.filter((one) => isInForce(one, now)) };
  return [
    ...open.map(({ id, finding: { kind, what } }) => ({ id, kind, what })),
    ...acceptedOn(inForce, host).filter(({ id }) => !open.some((one) => one.id === id)),
  ];
}

function acceptedOn({ acceptances }: Pick<DriftMemory, 'acceptances'>, host: string): readonly Candidate[] {
  return acceptances
    .filter((one) => one.host === host)
    .map(({ id, until, reason }) => ({
      id,
      kind: id.replace(/-[^-]*$/, ''),
      what: `accepted until ${until}: ${reason}`,
    }));
}

function withoutThese({ acceptances }: DriftMemory, host: string, ids: readonly string[]): readonly Acceptance[] {
  return acceptances.filter((one) => one.host !== host || !ids.includes(one.id));
}
