/** A fleet plan to JSON and back. It names keys by id and fingerprint and holds none. */

import { createHash } from 'node:crypto';
import { z } from 'zod';

import { OperatorError } from '../errors.js';
import { keyEnds } from '../render/key-record.js';
import type { FleetPlan } from './fleet-plan.js';

const FORMAT = 'ipsec-deploy plan 3';

/** A saved plan with what is needed to carry it out later. */
export interface SavedPlan {
  readonly plan: FleetPlan;
  /** The inventory it was made from, relative to the plan file: SSH settings are read from there. */
  readonly inventory: string;
  /** Risks that were accepted by name when it was made. */
  readonly accepted: readonly string[];
}

const path = z.enum([
  '/etc/inet/ipsecinit.conf',
  '/etc/inet/secret/ipseckeys',
  '/etc/inet/ike/config',
  '/etc/inet/secret/ike.preshared',
]);
const mode = z.enum(['0400', '0600']);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const keyPart = z.enum(['psk', 'encr', 'auth']);
const part = z.union([
  z.string(),
  z.strictObject({ key: z.string(), part: keyPart, form: z.enum(['upper', 'quoted']).exactOptional() }),
  z.strictObject({ generation: z.literal(true) }),
]);
const managedFile = z.strictObject({ path, mode, parts: z.array(part) });
const number = z.number().int().min(0);

const fileChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['create', 'update']), path, mode, sha256, file: managedFile, patch: z.string() }),
  z.strictObject({ kind: z.literal('keep'), path, mode, sha256, modeWas: z.string().exactOptional() }),
  z.strictObject({ kind: z.literal('stored'), path, mode, sha256, from: number, patch: z.string() }),
  z.strictObject({ kind: z.literal('remove'), path, patch: z.string() }),
]);

const orNothing = <T extends z.ZodType>(schema: T) => schema.nullable().transform((value) => value ?? undefined);

const family = z.union([z.literal(4), z.literal(6)]);
const words = z.string().exactOptional();
const treatment = z.strictObject({
  kind: z.enum(['clear', 'protected', 'either', 'refused']),
  protections: z.array(z.string()),
  doubtful: z.boolean(),
});
const ruleReference = z.strictObject({ text: z.string(), line: number.exactOptional() });

const flowChange = z.strictObject({
  direction: z.enum(['in', 'out', 'both']),
  families: z.array(family),
  before: treatment,
  after: treatment,
  flows: z.array(z.string()),
  regions: z.array(
    z.strictObject({
      family,
      local: words,
      remote: words,
      protocols: words,
      localPorts: words,
      remotePorts: words,
      icmpTypes: words,
      icmpCodes: words,
    }),
  ),
  example: z.string(),
  ruleBefore: ruleReference.exactOptional(),
  ruleAfter: ruleReference.exactOptional(),
  exposed: z.boolean(),
});

const hostPlan = z.strictObject({
  host: z.string(),
  platform: z.enum(['solaris-smf', 'solaris-legacy']),
  generation: number,
  expect: z.strictObject({
    generation: orNothing(number),
    files: z.array(z.strictObject({ path, sha256: orNothing(sha256) })),
    spd: sha256,
  }),
  files: z.array(fileChange),
  keyChanges: z.array(
    z.strictObject({
      label: z.string(),
      id: z.string(),
      before: orNothing(z.string()),
      after: orNothing(z.string()),
      bits: number,
    }),
  ),
  keys: z.array(z.strictObject({ id: z.string(), part: keyPart, bits: number, fingerprint: z.string() })),
  steps: z.array(z.enum(['read', 'chmod', 'keys', 'policy', 'ike'])),
  ike: z.enum(['restart', 'start', 'stop', 'none']),
  spd: z.array(z.string()),
  loaded: z.array(z.string()),
  flowChanges: z.array(flowChange),
  flowNotes: z.array(z.string()),
  rulesAdded: z.array(z.string()),
  rulesRemoved: z.array(z.string()),
  reasons: z.array(z.string()),
  ruleByRule: z
    .strictObject({
      changes: z.array(z.strictObject({ kind: z.enum(['add', 'delete']), rule: z.string() })).exactOptional(),
      gaps: z.array(flowChange),
      interruptions: z.array(flowChange),
    })
    .exactOptional(),
  gaps: z.array(z.string()),
});

const saved = z.strictObject({
  format: z.literal(FORMAT),
  inventory: z.string(),
  accepted: z.array(z.string()),
  run: z.string(),
  fleet: z.string(),
  made: z.string(),
  hosts: z.array(hostPlan),
  groups: z.array(z.array(z.string())),
  pulledIn: z.array(z.strictObject({ host: z.string(), because: z.string() })),
});

/** Whether a file's text is meant to be a saved plan rather than an inventory. */
export function looksLikePlan(text: string): boolean {
  return /^\s*\{/.test(text) && text.includes('"ipsec-deploy plan ');
}

/** The text of a plan file; the last field is a digest of all before it, so that a file cut short or edited is noticed. */
export function printPlan({ plan, inventory, accepted }: SavedPlan): string {
  const { run, fleet, made, hosts, groups, pulledIn } = plan;
  const body = JSON.stringify(
    { format: FORMAT, inventory, accepted, run, fleet, made, hosts, groups, pulledIn },
    undefinedAsNull,
    2,
  );
  return `${body.slice(0, -2)},\n  "digest": "${digest(body)}"\n}\n`;
}

/** @throws OperatorError PLAN_MALFORMED with what is wrong and where */
export function parsePlan(text: string, file: string): SavedPlan {
  const malformed = (what: string): OperatorError =>
    new OperatorError('PLAN_MALFORMED', {
      what,
      where: file,
      todo: 'make the plan again with `ipsec-deploy plan --out`',
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed(`the plan is not complete JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof json !== 'object' || json === null || !('digest' in json))
    throw malformed('the plan has no digest: it is cut short or not a plan');
  const { digest: claimed, ...rest } = json;
  if (digest(JSON.stringify(rest, undefined, 2)) !== claimed)
    throw malformed('the plan was changed after it was made: its digest does not fit');
  if (!('format' in rest) || rest.format !== FORMAT)
    throw malformed(`the plan was written by another version of this program: this one reads "${FORMAT}"`);
  const result = saved.safeParse(rest);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw malformed(`the plan is not of this version: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const { inventory, accepted, format: _format, ...plan } = result.data;
  for (const { host, files } of plan.hosts) {
    const foreign = files.flatMap((change) => keyIds(change)).find((id) => !keyEnds(id).includes(host));
    if (foreign !== undefined) throw malformed(`the plan would give ${host} the key ${foreign}, which is for others`);
  }
  return { inventory, accepted, plan: { ...plan, excluded: [] } };
}

/** Of the keys that a file to be sent names. */
function keyIds(change: z.infer<typeof fileChange>): readonly string[] {
  if (!('file' in change)) return [];
  return change.file.parts.flatMap((one) => (typeof one === 'object' && 'key' in one ? [one.key] : []));
}

function undefinedAsNull(_key: string, value: unknown): unknown {
  return value === undefined ? null : value;
}

function digest(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
