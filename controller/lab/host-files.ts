/** A lab host's disk as the simulated commands see it. Owns the switch that stops every write when the power goes. */

import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { isErrno } from './errno.js';
import type { FileAccess, FileInfo } from './tools/tool.js';

/** What is wrong with a disk that cannot be written to: read-only, or full. */
export type DiskFault = 'EROFS' | 'ENOSPC';

const FAULT_TEXTS: Readonly<Record<DiskFault, string>> = {
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
};

const MEMORY = /\/var\/run\//;

export class HostFiles implements FileAccess {
  #powered = true;
  #fault: DiskFault | undefined;

  power(on: boolean): void {
    this.#powered = on;
  }

  /** Every write fails so from now on, but for those to what is memory on a real host. */
  setFault(fault: DiskFault | undefined): void {
    this.#fault = fault;
  }

  async read(path: string): Promise<string | undefined> {
    this.#check();
    return absentAsUndefined(fs.readFile(path, 'utf8'));
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    this.#check();
    const found = await absentAsUndefined(fs.stat(path));
    if (found === undefined) return undefined;
    return {
      kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other',
      mode: found.mode & 0o7777,
      // The user who runs the lab stands for root.
      uid: found.uid === process.getuid?.() ? 0 : found.uid,
      links: found.nlink,
      size: found.size,
    };
  }

  async write(path: string, text: string, mode: number): Promise<void> {
    if (this.#fault !== undefined && !MEMORY.test(path)) throw new Error(FAULT_TEXTS[this.#fault]);
    await this.#put(path, text, mode, constants.O_TRUNC);
  }

  async append(path: string, text: string, mode: number): Promise<void> {
    // Whoever writes a log goes on without it.
    if (this.#fault !== undefined && !MEMORY.test(path)) return;
    await this.#put(path, text, mode, constants.O_APPEND);
  }

  async remove(path: string): Promise<void> {
    this.#check();
    if (this.#fault === 'EROFS') throw new Error(FAULT_TEXTS.EROFS);
    await fs.rm(path, { force: true });
  }

  /** A new file has its final mode from its first byte, whatever the umask; an existing one keeps its own. */
  async #put(path: string, text: string, mode: number, how: number): Promise<void> {
    this.#check();
    const { O_CREAT, O_EXCL, O_WRONLY } = constants;
    let file: fs.FileHandle;
    try {
      file = await fs.open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
      await file.chmod(mode);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      file = await fs.open(path, O_WRONLY | how);
    }
    try {
      this.#check();
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  }

  #check(): void {
    if (!this.#powered) throw new Error('the host has no power');
  }
}

/** Absent, or under something that is no folder. */
async function absentAsUndefined<T>(wanted: Promise<T>): Promise<T | undefined> {
  try {
    return await wanted;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
