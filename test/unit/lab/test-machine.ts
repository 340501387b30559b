/** A simulated host in memory, for tests of its commands. */

import { HostMachine } from '../../../controller/lab/tools/registry.js';
import type { ToolReply } from '../../../controller/lab/tools/tool.js';
import type { MachineSetup, RunScript } from '../../../controller/lab/machine.js';
import { MemoryFiles } from './memory-files.js';
import { NOON, STOCK_ADDRESSES, STOCK_NAMES } from './stock-host.js';

export const ROOT = '/host';

export interface TestMachine {
  readonly machine: HostMachine;
  readonly files: MemoryFiles;
  /** Scripts that services had run, in order. */
  readonly scripts: string[];
  /** Moves the clock and lets those who wait for it go on. */
  advance(seconds: number): Promise<void>;
  run(line: string, env?: Record<string, string>): Promise<ToolReply>;
}

/** `more`: what is other than on the stock host. */
export function testMachine(
  script: RunScript = async () => ({ exit: 0, stdout: '', stderr: '' }),
  more: Partial<MachineSetup> = {},
): TestMachine {
  const files = new MemoryFiles();
  const scripts: string[] = [];
  let now = NOON.getTime();
  const waiting: { at: number; go: () => void }[] = [];
  const setup: MachineSetup = {
    platform: 'solaris-smf',
    root: ROOT,
    addresses: STOCK_ADDRESSES,
    hostNames: STOCK_NAMES,
    files,
    clock: {
      now: () => new Date(now),
      after: (seconds, signal) =>
        new Promise((go, stop) => {
          waiting.push({ at: now + seconds * 1000, go });
          signal?.addEventListener('abort', () => stop(new Error('nobody waits any more')));
        }),
    },
    runScript: (argv, env) => {
      scripts.push(argv.join(' '));
      return script(argv, env);
    },
    ...more,
  };
  const machine = new HostMachine(setup);
  return {
    machine,
    files,
    scripts,
    async advance(seconds) {
      now += seconds * 1000;
      for (const { at, go } of waiting) if (at <= now) go();
      await new Promise((resolve) => setImmediate(resolve));
      await machine.idle();
    },
    run(line, env = {}) {
      const [tool = '', ...args] = line.split(' ');
      return machine.run(tool, args, { env, stdin: '', cwd: `${ROOT}/root` });
    },
  };
}
