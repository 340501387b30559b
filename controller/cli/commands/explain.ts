/** `explain FROM TO [tcp/5432]`: what becomes of traffic between two ends, and which lines of which files say so. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, type ExitStatus } from '../../errors.js';
import { keyNames } from '../../plan/fill.js';
import { keyBitsName } from '../../render/key-bits.js';
import { isIke, parseAskedFlow, type AskedFlow } from '../../proof/asked-flow.js';
import { checkEndpoints, findEndpoint, type Endpoint } from '../../proof/endpoint.js';
import { explainFlow, type ExplainedRule, type ExplainedWay } from '../../proof/explain-flow.js';
import { explainVerdict } from '../../proof/explain-verdict.js';
import { flowProver } from '../../proof/pair-flows.js';
import { explainText } from '../../report/explain-text.js';
import { formatAddress } from '../../model/address.js';
import type { OfflineFleet } from '../../run/offline-fleet.js';
import { inventoryOption, commonOptions, type CommonArguments } from '../arguments.js';
import { lookAtFleet, withContext, type Context } from '../context.js';

interface ExplainArguments extends CommonArguments {
  readonly from: string;
  readonly to: string;
  readonly flow: string | undefined;
  readonly inventory: string;
  readonly why: boolean;
}

export const explainCommand: CommandModule<object, ExplainArguments> = {
  command: 'explain <from> <to> [flow]',
  describe: 'show what becomes of traffic between two ends, there and back, and why',
  builder: (argv: Argv): Argv<ExplainArguments> =>
    inventoryOption(commonOptions(argv))
      .positional('from', { type: 'string', demandOption: true, describe: 'a host, an external end, or an address' })
      .positional('to', { type: 'string', demandOption: true, describe: 'the same' })
      .positional('flow', {
        type: 'string',
        describe: 'e.g. tcp/5432, udp/53, icmp; left out: everything between the two',
      })
      .option('why', { type: 'boolean', default: false, describe: 'also the rules that were tried and do not match' }),
  handler: (args) => withContext({ ...args, limit: undefined, forks: undefined }, (context) => explain(context, args)),
};

/** Exit 0: it works both ways; 2: it does not. */
async function explain(context: Context, args: ExplainArguments): Promise<ExitStatus> {
  const flow = args.flow === undefined ? undefined : parseAskedFlow(args.flow);
  const look = await lookAtFleet(context);
  const [from, to] = [findEndpoint(args.from, look.pictures), findEndpoint(args.to, look.pictures)];
  checkEndpoints(from, to);
  const explanation = explainFlow({ from, to, flow, why: args.why }, flowProver());
  const verdict = explainVerdict(explanation);
  const notes = notesOn(from, to, flow);
  const [source, target] = [from.picture.name, to.picture.name];
  if (context.output.format === 'json') {
    context.output.json({
      event: 'explained',
      from: source,
      to: target,
      flow: flow?.text,
      verdict,
      there: explanation.there.map(wayJson),
      back: explanation.back.map(wayJson),
      notes,
    });
  } else {
    const { paint } = context.output;
    const fingerprintOf = fingerprints(look);
    context.output.print(
      explainText({
        from: source,
        to: target,
        flow: flow?.text,
        explanation,
        verdict,
        notes,
        why: args.why,
        fingerprintOf,
        paint,
      }),
    );
  }
  return verdict.passes ? EXIT.ok : EXIT.changes;
}

function fingerprints({ store, fleet }: OfflineFleet): (name: string) => string | undefined {
  // Without a salt the store is not the real one: its keys are nobody's.
  if (store.salt === '') return () => undefined;
  const files = [...fleet.rendered.values()].flatMap((rendered) => rendered.files);
  const names = new Map(keyNames(store, files).map((key) => [keyBitsName(key.id, key.part), key.fingerprint]));
  return (name) => names.get(name);
}

function notesOn(from: Endpoint, to: Endpoint, flow: AskedFlow | undefined): readonly string[] {
  const notes = [from, to]
    .filter(({ kind }) => kind === 'stranger')
    .map(({ picture }) => `${picture.name} is no end of this inventory: taken to have no IPsec policy`);
  if (flow?.protocol === 'icmp')
    notes.push('a host answers pings and other ICMP of its own without asking its rules; they decide for programs');
  if (flow !== undefined && isIke(flow)) notes.push("the key daemons' own packets bypass every rule");
  return notes;
}

function wayJson({ source, destination, ...way }: ExplainedWay): object {
  return {
    ...way,
    source: formatAddress(source),
    destination: formatAddress(destination),
    parts: way.parts.map((part) => ({ ...part, sender: ruleJson(part.sender), receiver: ruleJson(part.receiver) })),
  };
}

function ruleJson({ passedOver, ...rule }: ExplainedRule): object {
  return { ...rule, passedOver: passedOver.map(({ rule: { text }, because }) => ({ text, because })) };
}
