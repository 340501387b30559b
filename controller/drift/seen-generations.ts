/** The generation that each host was last seen on: what a host says of itself is held against it, as its record may be an old one. */

import type { DriftPass, HostLook, SeenGeneration } from '../model/drift.js';
import type { DriftReport } from '../model/observation.js';

/** When the generation that a host is on was confirmed, ISO 8601, by its own clock; its manifest was made shortly before. */
export function confirmedAt({ history, generation, manifest }: DriftReport): string | undefined {
  const line = history.findLast((one) => `${one} `.includes(` confirmed generation=${generation} `));
  const at = line?.split(' ')[0] ?? (manifest?.generation === generation ? manifest?.made : undefined);
  return at === undefined || Number.isNaN(Date.parse(at)) ? undefined : at;
}

/** Whether a host is on an earlier generation than it was seen on. One that was confirmed since is later, whatever its number: of a host made anew. */
export function isBehind(
  now: { readonly generation: number; readonly confirmed: string | undefined },
  seen: Pick<SeenGeneration, 'generation' | 'confirmed'>,
): boolean {
  if (now.generation >= seen.generation) return false;
  if (now.confirmed === undefined || seen.confirmed === undefined) return true;
  return Date.parse(now.confirmed) <= Date.parse(seen.confirmed);
}

/** After a pass. A host that is behind stays remembered as it was; one that left the inventory is forgotten. */
export function rememberGenerations(
  before: readonly SeenGeneration[],
  { looks }: Pick<DriftPass, 'looks'>,
  hosts: readonly string[],
): readonly SeenGeneration[] {
  const known = new Set(hosts);
  const seen = new Map(before.filter(({ host }) => known.has(host)).map((one) => [one.host, one]));
  for (const look of looks) if (known.has(look.host) && isSettled(look)) seen.set(look.host, seenOn(look));
  return [...seen.values()];
}

type Settled = HostLook & { readonly generation: number };

function isSettled(look: HostLook): look is Settled {
  const { state, generation = 0, openTransaction, findings } = look;
  return (
    state !== 'unreachable' &&
    generation > 0 &&
    !openTransaction &&
    findings.every(({ kind }) => kind !== 'generation-moved')
  );
}

function seenOn({ host, generation, confirmed }: Settled): SeenGeneration {
  return { host, generation, ...(confirmed === undefined ? {} : { confirmed }) };
}
