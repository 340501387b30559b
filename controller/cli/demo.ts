/** The main job on the lab, from up to down, as somebody at a terminal would do it: each command is run as it is printed. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EXIT, OperatorError } from '../errors.js';
import { readText, writeFileWhole } from '../files/workspace.js';
import type { Output } from './output.js';

interface Scene {
  readonly say: string;
  readonly words: readonly string[];
  readonly expect: number;
  /** What is done before, besides running a command. */
  readonly before?: () => Promise<void>;
}

/** Plays every scene; the first command that does not end as it should ends the demonstration. */
export async function playDemo(keying: 'ike-psk' | 'manual', output: Output): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'ipsec-deploy-demo-'));
  const begun = performance.now();
  try {
    for (const scene of scenes(base, keying)) {
      await scene.before?.();
      output.print(
        `\n${output.paint('bold', `# ${scene.say}`)}\n${output.paint('cyan', `$ ipsec-deploy ${scene.words.join(' ')}`)}\n`,
      );
      const exit = await run(scene.words, base);
      if (exit !== scene.expect) {
        throw new OperatorError('DEMO_FAILED', {
          what: `that ended with ${exit}, not ${scene.expect}`,
          todo: 'report it, please: this should not happen',
          exit: EXIT.failed,
        });
      }
      if (exit !== EXIT.ok) output.print(output.paint('dim', `(exit ${exit})\n`));
    }
    output.print(
      `\nThat was the whole story in ${((performance.now() - begun) / 1000).toFixed(0)} s. Start a lab of your own with \`ipsec-deploy lab up\`.\n`,
    );
  } finally {
    await run(['lab', 'down'], base, 'quiet');
    await rm(base, { recursive: true, force: true });
  }
}

function scenes(base: string, keying: string): Scene[] {
  const inventory = 'lab/inventory.yaml';
  const file = join(base, inventory);
  const openPort = async (): Promise<void> => {
    const text = await readText(file);
    const changed = text.replace(
      /^(\s*- )\{ lport: 443, ulp: tcp \}\n/m,
      (line, indent: string) => `${line}${indent}{ lport: 8443, ulp: tcp }\n`,
    );
    if (changed === text) throw new Error('the lab inventory is not the one this demonstration knows');
    await writeFileWhole(file, changed, 0o644);
  };
  const closePort = async (): Promise<void> => {
    await writeFileWhole(file, (await readText(file)).replace('lport: 8443', 'lport: 9443'), 0o644);
  };
  return [
    {
      say: 'A web server and its database peer, simulated on this machine',
      words: ['lab', 'up', '--keying', keying],
      expect: EXIT.ok,
    },
    { say: 'What would be done? Nothing is touched', words: ['plan', inventory], expect: EXIT.changes },
    {
      say: 'Do it: each host goes back by itself unless it is confirmed over a new connection',
      words: ['apply', inventory],
      expect: EXIT.ok,
    },
    {
      say: 'What the host has loaded now',
      words: ['lab', 'exec', 'db1', '--', 'ipsecconf', '-Ln'],
      expect: EXIT.ok,
    },
    { say: 'Again: nothing to do, nothing done', words: ['apply', inventory], expect: EXIT.ok },
    {
      say: 'Somebody opens port 8443 on the web server: what was protected would be in the clear, so it is refused',
      words: ['apply', inventory],
      expect: EXIT.input,
      before: openPort,
    },
    {
      say: 'Unless that is accepted by name. Its peer has to follow',
      words: ['apply', inventory, '--accept-risk', 'in-the-clear'],
      expect: EXIT.ok,
    },
    {
      say: 'The next change meets a tool that reports success and does nothing',
      words: ['lab', 'fault', 'web1', 'ipsecconf', 'lie', '--args=-F'],
      expect: EXIT.ok,
      before: closePort,
    },
    {
      say: 'The host notices, and both ends go back',
      words: ['apply', inventory, '--accept-risk', 'in-the-clear'],
      expect: EXIT.reverted,
    },
    {
      say: 'Back to the generation before, on both ends',
      words: ['rollback', inventory, '--limit', 'web1'],
      expect: EXIT.ok,
      before: () => run(['lab', 'fault', 'web1', 'ipsecconf', 'none'], base, 'quiet').then(() => undefined),
    },
    { say: 'Where everybody stands', words: ['status', inventory], expect: EXIT.ok },
    { say: 'And gone', words: ['lab', 'down'], expect: EXIT.ok },
  ];
}

function run(words: readonly string[], folder: string, how: 'shown' | 'quiet' = 'shown'): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1] ?? '', ...words], {
      cwd: folder,
      stdio: how === 'shown' ? 'inherit' : 'ignore',
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? EXIT.failed));
  });
}
