/** What drift-bench.mjs needs of the program's own code: how the agent is begun, and a week of looks at hosts that are as they should be. */

export { agentFolder } from '../../controller/cli/package-files.js';
export { startCommand } from '../../controller/remote/agent-link.js';
export { readAgent } from '../../controller/remote/agent-bundle.js';
export { simulateWeek } from '../unit/drift/simulated-week.js';
