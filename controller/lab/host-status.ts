/** What `lab status` says of a host: read from its folder and asked of its commands. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { isErrno } from './errno.js';
import type { LabNode } from './lab-node.js';

export interface LabHostStatus {
  readonly name: string;
  readonly port: number;
  readonly power: 'on' | 'off';
  /** Number of the generation that ipsec-deploy left there; null before the first. */
  readonly generation: string | null;
  /** Rules in the kernel, each direction and family counted, as `ipsecconf` lists them. */
  readonly rules: number;
  readonly maintenance: readonly string[];
}

export async function hostStatus(host: LabNode): Promise<LabHostStatus> {
  const ask = async (tool: string, args: readonly string[]): Promise<string> =>
    host.isOn ? (await host.machine.run(tool, args, { env: {}, stdin: '', cwd: '/' })).stdout : '';
  // Hosts without services have an `ipsecconf` that knows no rules but the host's own.
  const listing = await ask('ipsecconf', [host.platform === 'solaris-legacy' ? '-ln' : '-Ln']);
  const services = await ask('svcs', ['-aH', '-o', 'state,fmri']);
  return {
    name: host.name,
    port: host.port,
    power: host.isOn ? 'on' : 'off',
    generation: currentGeneration(host.root),
    rules: listing.split('\n').filter((line) => line.startsWith('#INDEX')).length,
    maintenance: services.split('\n').flatMap((line) => /^maintenance\s+(\S+)/.exec(line)?.[1] ?? []),
  };
}

/** The highest generation with `confirmed` in its folder (agent/README.md, "State folder"). */
function currentGeneration(root: string): string | null {
  const folder = join(root, 'var/ipsec-deploy/generations');
  try {
    const confirmed = fs.readdirSync(folder).filter((name) => fs.existsSync(join(folder, name, 'confirmed')));
    return confirmed.sort((a, b) => Number(a) - Number(b)).at(-1) ?? null;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
