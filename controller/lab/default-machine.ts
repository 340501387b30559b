/** The simulated illumos host that lab hosts are unless a test brings another. */

import type { MakeMachine } from './machine.js';

export const illumosMachine: MakeMachine = () => ({
  run: async (tool) => ({ exit: 127, stdout: '', stderr: `${tool}: not simulated yet\n` }),
  powerCut: () => undefined,
  boot: async () => undefined,
});
