/** Asks hosts for their status: generations, the open transaction, what ended before. */

import PQueue from 'p-queue';

import type { Host } from '../model/host.js';
import type { StatusAnswer } from '../model/run.js';
import type { HostLink } from '../ports.js';
import { untouchedOutcome } from './link-outcome.js';

export async function askStatus(
  hosts: readonly Host[],
  link: HostLink,
  forks: number,
): Promise<readonly StatusAnswer[]> {
  const queue = new PQueue({ concurrency: forks });
  return Promise.all(
    hosts.map((host) =>
      queue.add(async (): Promise<StatusAnswer> => {
        try {
          const session = await link.open(host);
          try {
            return { host: host.name, status: await session.status() };
          } finally {
            await session.close();
          }
        } catch (error) {
          return { host: host.name, outcome: untouchedOutcome(error) };
        }
      }),
    ),
  );
}
