/** A lab that answers to commands until it is told `down`. Owns lab.json and the control socket. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress, type Address } from '../model/address.js';
import { serveControl } from './control-server.js';
import { startEnforcingLab, type EnforcingLab } from './enforce/enforcing-lab.js';
import { startLab, type Lab, type LabHostPlan } from './lab.js';
import type { LabNodes } from './lab-node.js';
import { emptyFolder } from './lab-folder.js';
import { writeLabState } from './lab-state.js';

/** Unix socket paths end at 104 bytes on some systems. */
const LONGEST_SOCKET_PATH = 100;

export interface ServeOptions {
  readonly folder: string;
  readonly hosts: readonly LabHostPlan[];
  /** Called when the hosts answer and before anybody is told, to write what an operator needs to reach them. */
  readonly prepare: (lab: LabNodes) => Promise<void>;
}

export interface ServedLab<L extends LabNodes = Lab> {
  readonly lab: L;
  /** Resolves when the lab has been told `down` and is. */
  readonly ended: Promise<void>;
  /** Ends the lab as `down --keep` would. */
  stop(): Promise<void>;
}

/** Runs a plain lab until it is told `down`. Resolves when the lab is ready. */
export async function serveLab(options: ServeOptions): Promise<ServedLab> {
  // All that reaches these hosts comes from this machine, and the inventories of the lab say so under `management`.
  return serve(await startLab({ ...options, client: parseAddress('127.0.0.1') }), options);
}

/** The same for an enforcing lab. `controller`: its addresses on the wire. */
export async function serveEnforcingLab(
  options: ServeOptions & { readonly controller: readonly Address[] },
): Promise<ServedLab<EnforcingLab>> {
  return serve(await startEnforcingLab(options), options);
}

async function serve<L extends LabNodes>(lab: L, { prepare }: ServeOptions): Promise<ServedLab<L>> {
  const sockets = fs.mkdtempSync(join(socketBase(lab.folder), '.control-'));
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const control = join(sockets, 's');
  const bringDown = async (keep: boolean): Promise<void> => {
    await lab.close({ keep });
    fs.rmSync(sockets, { recursive: true, force: true });
    if (keep) writeLabState(lab.folder, { pid: 0, control: '', hosts, controller });
    else emptyFolder(lab.folder);
  };
  let going: Promise<void> | undefined;
  const down = (keep: boolean): Promise<void> => (going ??= bringDown(keep));
  const server = await serveControl(lab, control, async (keep, told) => {
    await down(keep);
    told({ done: true });
    await server.close();
    end();
  });
  const stop = async (): Promise<void> => {
    await down(true);
    await server.close();
    end();
  };
  const hosts = [...lab.hosts.values()].map(({ name, addresses, platform, port, isOutsider = false }) => ({
    name,
    addresses,
    platform,
    port,
    isOutsider,
  }));
  const controller = lab.cables?.controller;
  await prepare(lab);
  writeLabState(lab.folder, { pid: process.pid, control, hosts, controller });
  return { lab, ended, stop };
}

function socketBase(folder: string): string {
  return folder.length + '/.control-123456/s'.length <= LONGEST_SOCKET_PATH ? folder : tmpdir();
}
