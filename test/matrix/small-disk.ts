/** The two file systems that a transaction writes to, each a small one of its own, so that it can be full, read-only or without inodes. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

export type DiskFault = 'disk-full' | 'read-only' | 'no-inodes';

export class SmallDisk {
  #fault: DiskFault | undefined;

  private constructor(readonly folder: string) {}

  /** Needs root. What stands in the folder stays. */
  static mount(folder: string): SmallDisk {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const mode = (fs.statSync(folder).mode & 0o7777).toString(8);
    const was = `${folder}.was`;
    fs.cpSync(folder, was, { recursive: true, preserveTimestamps: true });
    for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      fs.chmodSync(join(was, name), fs.statSync(join(folder, name)).mode & 0o7777);
    shell('mount', '-t', 'tmpfs', '-o', `size=2m,nr_inodes=600,mode=${mode}`, 'matrix', folder);
    shell('cp', '-a', `${was}/.`, folder);
    fs.rmSync(was, { recursive: true });
    return new SmallDisk(folder);
  }

  /** From now on nothing more can be written, until it is lifted. */
  put(fault: DiskFault): void {
    this.#fault = fault;
    if (fault === 'read-only') return shell('mount', '-o', 'remount,ro', this.folder);
    const fill = join(this.folder, '.fill');
    fs.mkdirSync(fill, { mode: 0o700 });
    try {
      if (fault === 'disk-full') {
        const file = fs.openSync(join(fill, 'bytes'), 'w');
        try {
          for (const size of [65536, 4096, 1]) writeAll(file, size);
        } finally {
          fs.closeSync(file);
        }
      } else for (let n = 0; ; n++) fs.closeSync(fs.openSync(join(fill, String(n)), 'w'));
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  lift(): void {
    if (this.#fault === 'read-only') shell('mount', '-o', 'remount,rw', this.folder);
    else if (this.#fault !== undefined) fs.rmSync(join(this.folder, '.fill'), { recursive: true, force: true });
    this.#fault = undefined;
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
  }

  copyTo(folder: string): void {
    fs.rmSync(folder, { recursive: true, force: true });
    shell('cp', '-a', this.folder, folder);
  }

  /** As it was when it was copied: whatever came later is lost. */
  restoreFrom(folder: string): void {
    for (const name of fs.readdirSync(this.folder))
      fs.rmSync(join(this.folder, name), { recursive: true, force: true });
    shell('cp', '-a', `${folder}/.`, this.folder);
  }
}

function writeAll(file: number, size: number): void {
  const bytes = Buffer.alloc(size);
  try {
    while (fs.writeSync(file, bytes) === size);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

function shell(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
