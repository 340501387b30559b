/** ikeadm(1M): asks the running key daemon; without one everything fails. */

import { sameAddress, type Address } from '../../model/address.js';
import type { IkeAddresses, IkeRule } from '../../model/ike.js';
import type { PhaseOne, PhaseOneCounts } from '../phase-one.js';
import { readOptions } from './getopt.js';
import { defaultsText, phaseOneText, presharedText, ruleText, statsText } from './ikeadm-texts.js';
import { IKE_PRESHARED, readConfigFile, readPresharedFile, type IkeDaemon, type Privilege } from './in-iked.js';
import { resolveArgument, underRoot, type ToolCall, type ToolReply } from './tool.js';

export interface IkeadmResult {
  readonly reply: ToolReply;
  readonly daemon: IkeDaemon | undefined;
}

const USAGE = `Usage:
\tikeadm [-hnp] get [debug | priv | stats | p1 | rule | preshared | defaults] [identifier]
\tikeadm [-hnp] [dump | flush | read | write | set | add | del | token] [args]
`;

const PRIVILEGES: readonly string[] = ['base', 'modkeys', 'keymat'];

/** What the daemon has to tell of its exchanges. */
export interface Exchanges {
  readonly phaseOne: readonly PhaseOne[];
  readonly counts: PhaseOneCounts;
  /** It is out of step: it believes phase 1 to be up with every peer of its rules. */
  readonly isDeluded: boolean;
}

export const NO_EXCHANGES: Exchanges = {
  phaseOne: [],
  counts: { initiated: 0, answered: 0, failed: 0 },
  isDeluded: false,
};

export async function ikeadm(
  call: ToolCall,
  daemon: IkeDaemon | undefined,
  { phaseOne, counts, isDeluded }: Exchanges = NO_EXCHANGES,
): Promise<IkeadmResult> {
  const { options, operands, bad } = readOptions(call.args, 'hnp');
  const say = (exit: number, stdout: string, stderr = '', next = daemon): IkeadmResult => ({
    reply: { exit, stdout, stderr },
    daemon: next,
  });
  if (bad !== undefined || options.some(({ letter }) => letter === 'h')) return say(1, '', USAGE);
  const words = operands.length > 0 ? operands : call.stdin.trim().split(/\s+/).filter(Boolean);
  const [verb = '', what = '', ...rest] = words;
  if (verb === '' || verb === 'quit' || verb === 'help') return say(0, verb === 'help' ? USAGE : '');
  if (daemon === undefined) {
    return say(1, '', 'Unable to communicate with in.iked\nikeadm: door_call failed: Bad file number\n');
  }
  const hideKeys = options.some(({ letter }) => letter === 'p');
  const denied = say(1, '', `ikeadm: insufficient privilege level for command "${verb} ${what}"\n`);
  const believed = isDeluded ? believedPhaseOne(daemon.config.rules, phaseOne) : [];
  const up = [...phaseOne, ...believed];
  switch (`${verb} ${what}`) {
    case 'get stats':
      return say(0, statsText(daemon, up, counts, believed.length));
    case 'get defaults':
      return say(0, defaultsText(daemon));
    case 'get priv':
      return say(0, `Current privilege level is 0x${daemon.privilege}, ${PRIVILEGES[daemon.privilege] ?? ''}\n`);
    case 'get debug':
      return say(0, 'Current debug level is 0x4, enabling:\n        Operational information\n');
    case 'get rule': {
      const rule = daemon.config.rules.find(({ label }) => label === rest[0]);
      return rule === undefined
        ? say(1, '', `ikeadm: Could not find requested rule\n`)
        : say(0, ruleText(rule, daemon));
    }
    case 'dump rule':
      return say(
        0,
        `${daemon.config.rules.map((rule) => ruleText(rule, daemon)).join('')}\nCompleted dump of policy rules\n`,
      );
    case 'dump p1':
    case 'flush p1':
      return say(0, verb === 'dump' ? `${up.map(phaseOneText).join('')}\nCompleted dump of phase 1 SA info\n` : '');
    case 'dump preshared':
      if (daemon.privilege < 1) return denied;
      return say(
        0,
        `${daemon.preshared.map((key) => presharedText(key, hideKeys || daemon.privilege < 2)).join('')}\nCompleted dump of preshared keys\n`,
      );
    case 'dump certcache':
    case 'dump groups':
    case 'dump encralgs':
    case 'dump authalgs':
    case 'flush certcache':
      return say(0, '');
    case 'read rule':
      return readRules(call, daemon, rest[0]);
    case 'read preshared':
      return readKeys(call, daemon, rest[0]);
    case 'write rule':
    case 'write preshared':
      return writeOut(call, daemon, what, rest[0]);
    case 'set priv': {
      const level = privilegeOf(rest[0] ?? '');
      // The level can only be lowered while the daemon runs.
      if (level === undefined || level > daemon.privilege) return denied;
      return say(0, '', '', { ...daemon, privilege: level });
    }
    case 'set debug':
      return say(0, `Successfully changed debug level from 0x4 to 0x${rest[0] ?? '0'}\n`);
    default:
      return say(1, '', `ikeadm: Unrecognized command "${words.join(' ')}"\n${USAGE}`);
  }
}

function privilegeOf(text: string): Privilege | undefined {
  const index = PRIVILEGES.indexOf(text);
  const number = index < 0 ? Number(text) : index;
  return number === 0 || number === 1 || number === 2 ? number : undefined;
}

async function readRules(call: ToolCall, daemon: IkeDaemon, file: string | undefined): Promise<IkeadmResult> {
  const path = file === undefined ? daemon.configFile : resolveArgument(call, file);
  const reading = await readConfigFile(call, path, file ?? daemon.configFile);
  if (reading.kind === 'bad') {
    return { reply: { exit: 1, stdout: '', stderr: `ikeadm: error reading rules\n${reading.text}` }, daemon };
  }
  const stdout = `ikeadm: Successfully read ${reading.config.rules.length} rules\n`;
  return { reply: { exit: 0, stdout, stderr: '' }, daemon: { ...daemon, config: reading.config } };
}

async function readKeys(call: ToolCall, daemon: IkeDaemon, file: string | undefined): Promise<IkeadmResult> {
  const path = file === undefined ? underRoot(call.root, IKE_PRESHARED) : resolveArgument(call, file);
  const reading = await readPresharedFile(call, path, file ?? IKE_PRESHARED);
  if (reading.kind === 'bad') {
    return { reply: { exit: 1, stdout: '', stderr: `ikeadm: error reading preshared keys\n${reading.text}` }, daemon };
  }
  const stdout = `ikeadm: Successfully read ${reading.keys.length} preshared keys\n`;
  return { reply: { exit: 0, stdout, stderr: '' }, daemon: { ...daemon, preshared: reading.keys } };
}

async function writeOut(
  call: ToolCall,
  daemon: IkeDaemon,
  what: string,
  file: string | undefined,
): Promise<IkeadmResult> {
  const failed = (stderr: string): IkeadmResult => ({ reply: { exit: 1, stdout: '', stderr }, daemon });
  if (file === undefined) return failed(USAGE);
  if (what === 'preshared' && daemon.privilege < 2) {
    return failed('ikeadm: insufficient privilege level for command "write preshared"\n');
  }
  const text =
    what === 'rule'
      ? daemon.config.rules.map((rule) => ruleText(rule, daemon)).join('\n')
      : daemon.preshared.map((key) => presharedText(key, false)).join('\n');
  await call.files.write(resolveArgument(call, file), text, 0o600);
  return { reply: { exit: 0, stdout: '', stderr: '' }, daemon };
}

/** Phase 1 for each rule that names one address at each end, besides that which is up. */
function believedPhaseOne(rules: readonly IkeRule[], known: readonly PhaseOne[]): readonly PhaseOne[] {
  return rules.flatMap(({ local: [one], remote: [other] }, index) => {
    const [local, remote] = [singleAddress(one), singleAddress(other)];
    if (local === undefined || remote === undefined || known.some((up) => sameAddress(up.remote, remote))) return [];
    const digits = (index + 1).toString(16);
    return [{ local, remote, isInitiator: true, cookies: [`${digits}a0`, `${digits}b0`], endsAt: Infinity }];
  });
}

function singleAddress(addresses: IkeAddresses | undefined): Address | undefined {
  if (addresses?.kind !== 'prefix') return undefined;
  const { address, length } = addresses.prefix;
  return length === (address.family === 4 ? 32 : 128) ? address : undefined;
}
