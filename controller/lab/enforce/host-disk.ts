/** The file systems of a host of the enforcing lab, which may be full or read-only. It is kept in a file that its boot reads. */

import * as fs from 'node:fs';
import { outcomeOf } from '../host-inside.js';
import type { DiskFault, HostFiles } from '../host-files.js';
import type { Disturbance } from '../disturbance.js';
import type { HostSpace } from './host-space.js';

export type DiskState = Extract<Disturbance, { what: 'disk' }>['disk'];

const FAULTS: Readonly<Record<DiskState, DiskFault | undefined>> = { full: 'ENOSPC', ro: 'EROFS', ok: undefined };

export class HostDisk {
  constructor(
    private readonly files: HostFiles,
    private readonly file: string,
  ) {
    files.setFault(FAULTS[this.state]);
  }

  get state(): DiskState {
    const said = fs.existsSync(this.file) ? fs.readFileSync(this.file, 'utf8').trim() : 'ok';
    return said === 'full' || said === 'ro' ? said : 'ok';
  }

  /** `space`: what runs on the host now, if it is on. */
  async set(state: DiskState, space: HostSpace | undefined): Promise<void> {
    fs.writeFileSync(this.file, `${state}\n`, { mode: 0o600 });
    this.files.setFault(FAULTS[state]);
    if (space === undefined) return;
    const { exit, stderr } = await outcomeOf(space.start(['/bin/sh', '/mnt/disk.sh', state], {}));
    if (exit !== 0 && !space.isOver) throw new Error(`the disk could not be made ${state}: ${stderr.trim()}`);
  }

  /** A command as it has to be started by the lab, beside those that the host's own processes start. */
  under(argv: readonly string[]): readonly string[] {
    return this.state === 'full' ? ['env', '--ignore-signal=XFSZ', 'prlimit', '--fsize=0:', '--', ...argv] : argv;
  }
}
