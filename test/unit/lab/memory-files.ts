/** FileAccess over a map, for tests of the simulated commands. */

import type { FileAccess, FileInfo } from '../../../controller/lab/tools/tool.js';

interface Entry {
  readonly kind: FileInfo['kind'];
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
}

export class MemoryFiles implements FileAccess {
  readonly entries = new Map<string, Entry>();

  put(path: string, text: string, mode = 0o600, uid = 0): this {
    this.entries.set(path, { kind: 'file', text, mode, uid });
    return this;
  }

  folder(path: string): this {
    this.entries.set(path, { kind: 'directory', text: '', mode: 0o755, uid: 0 });
    return this;
  }

  text(path: string): string | undefined {
    return this.entries.get(path)?.text;
  }

  async read(path: string): Promise<string | undefined> {
    const entry = this.entries.get(path);
    return entry?.kind === 'file' ? entry.text : undefined;
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const entry = this.entries.get(path);
    if (entry === undefined) return undefined;
    return { kind: entry.kind, mode: entry.mode, uid: entry.uid, links: 1, size: Buffer.byteLength(entry.text) };
  }

  async write(path: string, text: string, mode: number): Promise<void> {
    this.put(path, text, this.entries.get(path)?.mode ?? mode);
  }

  async append(path: string, text: string, mode: number): Promise<void> {
    const entry = this.entries.get(path);
    this.put(path, (entry?.text ?? '') + text, entry?.mode ?? mode);
  }

  async remove(path: string): Promise<void> {
    this.entries.delete(path);
  }
}
