/** The `settings:` and `management:` of the fleet, with their defaults. */

import { type Prefix, formatPrefix, parsePrefix } from '../model/address.js';
import type { DriftSettings } from '../model/drift.js';
import type { Settings } from '../model/host.js';
import { DEFAULT_PROBES, type ProbeSettings } from '../model/link-probe.js';
import type { Entry } from './check-shape.js';
import { resolveBeside } from './paths.js';
import { problemError, problemWarning, type Report, type Sourced } from './problem-list.js';
import type { SettingsShape } from './schema.js';
import { positionOf } from './source-tree.js';

/** @param rootFile the file whose folder holds the key store unless the settings say otherwise */
export function buildSettings(
  entry: Entry<SettingsShape> | undefined,
  drift: DriftSettings,
  rootFile: string,
  report: Report,
): Settings {
  const given: SettingsShape = entry?.value ?? {};
  const file = entry?.at.file ?? rootFile;
  const beside = (path: string): string => resolveBeside(file, path);
  given.recipients?.forEach((recipient, i) => {
    if (entry === undefined || /^age1[a-z0-9]{20,}$/.test(recipient)) return;
    const at = positionOf(entry.node, ['recipients', i]);
    if (/^AGE-SECRET-KEY-/i.test(recipient)) {
      const what = 'recipients holds an age identity, which opens the key store';
      report(
        problemError('SECRET_IN_INVENTORY', at, what, 'make a new identity, and write its public part (age1…) here'),
      );
      return;
    }
    report(
      problemError(
        'BAD_RECIPIENT',
        at,
        `"${recipient}" is no age recipient`,
        'write a public key that starts with age1',
      ),
    );
  });
  return {
    keyStore: beside(given.keyStore ?? 'keys.age'),
    ...(given.identityFile !== undefined && { identityFile: beside(given.identityFile) }),
    recipients: given.recipients ?? [],
    ...(given.templates !== undefined && { templates: beside(given.templates) }),
    ...(given.logFile !== undefined && { logFile: beside(given.logFile) }),
    forks: given.forks ?? 20,
    confirmWindowSeconds: given.confirmWindowSeconds ?? 60,
    keepGenerations: given.keepGenerations ?? 10,
    drift,
    ...(given.probes !== undefined && { probes: probeSettings(given.probes) }),
  };
}

function probeSettings(given: NonNullable<SettingsShape['probes']>): ProbeSettings | 'off' {
  if (given === 'off') return given;
  const { deadlineSeconds, links, ports } = given;
  return {
    deadlineSeconds: deadlineSeconds ?? DEFAULT_PROBES.deadlineSeconds,
    mostLinks: links ?? DEFAULT_PROBES.mostLinks,
    ports: ports ?? DEFAULT_PROBES.ports,
  };
}

export function buildManagement(texts: readonly Sourced<string>[], report: Report): readonly Prefix[] {
  const seen = new Set<string>();
  return texts.flatMap(({ value, at }) => {
    const prefix = parsePrefix(value);
    if (prefix === undefined) {
      const todo = 'write one such as 10.0.0.5 or 10.0.0.0/28; names are not resolved';
      report(problemError('BAD_ADDRESS', at, `"${value}" is no address or prefix`, todo));
      return [];
    }
    const text = formatPrefix(prefix);
    if (seen.size === seen.add(text).size) {
      report(problemWarning('MANAGEMENT_TWICE', at, `${text} is listed twice`, 'remove one of the two'));
      return [];
    }
    if (prefix.length < (prefix.address.family === 4 ? 8 : 32)) {
      const what = `${text} lets a large part of the internet reach SSH without IPsec`;
      report(problemWarning('MANAGEMENT_WIDE', at, what, 'list the addresses this tool connects from'));
    }
    return [prefix];
  });
}
