/** The lab on which the matrix is played: as many hosts as are at work at once, each with its slot, replaced when it is spoilt. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { startLab, type Lab } from '../../controller/lab/lab.js';
import type { Keying } from '../../controller/model/host.js';
import { parseAddress } from '../../controller/model/address.js';
import { readAgent } from '../../controller/remote/agent-bundle.js';
import type { MatrixPlatform } from './cells.js';
import { makeFleet } from './fleets.js';
import { stagePackage, type Sabotage } from './instrumented-agent.js';
import { Slot, type SlotWorld } from './slot.js';

export interface Floor {
  readonly slots: readonly Slot[];
  /** The host anew, as it was delivered, and on generation 2 again. */
  renew(at: number): Promise<void>;
  close(): Promise<void>;
}

export interface SlotKind {
  readonly platform: MatrixPlatform;
  readonly keying: Keying;
}

export async function startFloor(
  folder: string,
  kinds: readonly SlotKind[],
  sabotage: readonly Sabotage[] = [],
): Promise<Floor> {
  const staged = stagePackage(join(folder, 'package'), sabotage);
  const agent = await readAgent(join(staged, 'agent'));
  const lab = await startLab({
    folder: join(folder, 'lab'),
    hosts: kinds.map(({ platform }, at) => ({ name: `h${at}`, platform, addresses: [address(`10.0.${at}.1`)] })),
  });
  const fleetFolder = join(folder, 'fleet');
  fs.mkdirSync(fleetFolder, { mode: 0o700 });
  fs.copyFileSync(lab.clientKeyFile, join(fleetFolder, 'client_ed25519'));
  fs.chmodSync(join(fleetFolder, 'client_ed25519'), 0o600);
  const fleet = await makeFleet(
    fleetFolder,
    kinds.map(({ keying }, at) => {
      const { name, port, hostKeyLine } = lab.host(`h${at}`);
      return { name, keying, port, hostKeyLine };
    }),
  );
  const world: SlotWorld = { fleet, agent, program: join(staged, 'bin/ipsec-deploy.js') };
  const slots = kinds.map(({ platform, keying }, at) => new Slot(lab.host(`h${at}`), platform, keying, world));
  const close = async (): Promise<void> => {
    for (const slot of slots) await slot.lift();
    await lab.close({ keep: true });
    for (const slot of slots) slot.close();
  };
  try {
    for (const slot of slots) await slot.prepare();
  } catch (error) {
    await close();
    throw error;
  }
  const renew = async (at: number): Promise<void> => {
    const old = slots[at];
    if (old === undefined) return;
    slots[at] = await renewed(old, lab, world);
  };
  return { slots, renew, close };
}

async function renewed(old: Slot, lab: Lab, world: SlotWorld): Promise<Slot> {
  const host = lab.host(old.host.name);
  await old.lift();
  await host.powerCut();
  old.meeting.forget();
  old.close();
  host.machine.faults.clear();
  await host.reset();
  const slot = new Slot(host, old.platform, old.keying, world);
  await slot.prepare();
  return slot;
}

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(text);
  return found;
}
