/** An agent played in the test: says ready, then answers each request line by a table. Notes all that it was sent. */

import type { ServerChannel } from 'ssh2';
import { MARK } from './ssh-server.js';
import type { Command } from './ssh-server.js';

export interface FakeAgent {
  readonly command: Command;
  /** All that came in on stdin. */
  readonly heard: () => string;
  readonly commands: readonly string[];
}

/** Lines of the agent's own start with `@`, which becomes the mark. */
export function marked(text: string): string {
  return text.replaceAll(/^@ ?/gm, `${MARK} `);
}

export interface FakeAgentScript {
  /** What it says at first, instead of `ready`. */
  readonly greeting?: readonly string[];
  /** First word of a request to the answer; a function may do what it likes with the channel. */
  readonly answers: Readonly<Record<string, string | ((channel: ServerChannel) => void)>>;
}

export function fakeAgent(script: FakeAgentScript): FakeAgent {
  let heard = '';
  const commands: string[] = [];
  return {
    heard: () => heard,
    commands,
    command: (channel, command) => {
      commands.push(command);
      const greetings = [...(script.greeting ?? ['ipsec-deploy-agent ready protocol=1\n'])];
      const answered = new Set<string>();
      channel.on('data', (chunk: Buffer) => {
        heard += chunk.toString('utf8');
        const greeting = greetings.shift();
        if (greeting !== undefined) {
          channel.write(greeting);
          return;
        }
        for (const [word, answer] of Object.entries(script.answers)) {
          const count = [...heard.matchAll(new RegExp(`^${word}( .*)?$`, 'gm'))].length;
          const key = `${word}#${count}`;
          if (count === 0 || answered.has(key)) continue;
          answered.add(key);
          if (typeof answer === 'string') channel.write(marked(answer));
          else answer(channel);
        }
      });
    },
  };
}
