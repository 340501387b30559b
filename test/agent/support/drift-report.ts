/** What an agent answers to `drift`, as the controller reads it; and a full picture of a tree, times included. */

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { DriftReport } from '../../../controller/model/observation.js';
import { ReplyReader } from '../../../controller/remote/agent-reply.js';
import { parseDriftReport } from '../../../controller/remote/drift-reply.js';
import type { Session } from './agent-host.js';

export async function driftOf(session: Session): Promise<DriftReport> {
  const { lines, last } = await session.ask('drift');
  const reader = new ReplyReader(session.mark);
  const reply = lines.flatMap((line) => reader.push(line) ?? []).find((item) => item.kind === 'section');
  if (reply === undefined) throw new Error(`no answer to drift but: ${last}`);
  return parseDriftReport(reply);
}

/** Name, kind, mode, owner, links, times of content and of the entry itself, and content of everything under a folder. */
export function fullPicture(folder: string, except: readonly string[] = []): readonly string[] {
  return ['.', ...fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })]
    .filter((name) => !except.includes(name))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { mode, uid, gid, nlink, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true });
      const stat = fs.lstatSync(path);
      const content = stat.isFile()
        ? createHash('sha256').update(fs.readFileSync(path)).digest('hex')
        : stat.isSymbolicLink()
          ? fs.readlinkSync(path)
          : '';
      return [name, mode.toString(8), uid, gid, nlink, mtimeNs, ctimeNs, content].join(' ');
    });
}
