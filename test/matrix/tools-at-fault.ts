/**
 * Faults at a host's commands: those the lab simulates and those of the system alike, which are reached by stand-ins that come
 * first on PATH. One file beside the host's root says what the next call does; the stand-ins and the lab both obey it.
 */

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { drain } from './meeting.js';
import type { Intercept } from '../../controller/lab/host-inside.js';

export type Misdeed = 'fail' | 'hang' | 'lie';

/** `after` calls go well first. `keep`: that call alone, each later call of the same command, or every command. */
export interface ToolFault {
  readonly how: Misdeed;
  readonly after: number;
  readonly keep: 'once' | 'same' | 'all';
}

const NAMES = ['mv', 'cp', 'ln', 'chmod', 'rm', 'mkdir', 'awk', 'ls', 'sed', 'cmp', 'cat', 'sha256sum', 'sync'];

/** Commands that only tell: to lie for long they would have to make things up. */
const TELLERS = 'awk ls sed cmp cat sha256sum';

/** The clock is only ever asked of awk, whose srand() tells it. */
const STAND_IN = `#!/bin/sh
matrix=\${0%/root/usr/bin/*}/matrix
tool=\${0##*/}
if [ -s "$matrix/tool" ] && /bin/mv "$matrix/tool" "$matrix/tool.$$" 2>/dev/null; then
    read -r after keep how only <"$matrix/tool.$$"
    hit=
    if [ "$only" != - ] && [ "$only" != "$tool" ]; then :
    elif [ "$after" -gt 0 ]; then after=$((after - 1))
    else
        case $how.$keep." ${TELLERS} " in
            lie.all.*" $tool "*) ;;
            lie.same.*" $tool "*) hit=$how keep=once ;;
            *) hit=$how ;;
        esac
        [ "$keep" != same ] || only=$tool
    fi
    echo "\${hit:-pass} $tool $*" >>"$matrix/told"
    if [ -z "$hit" ] || [ "$keep" != once ]; then
        echo "$after $keep $how $only" >"$matrix/tool.$$"
        if [ -f "$matrix/tool.on" ]; then
            /bin/mv "$matrix/tool.$$" "$matrix/tool"
        fi
    else
        /bin/rm -f "$matrix/tool.$$"
    fi
    case $hit in
        fail)
            echo "$tool: failed as told" >&2
            exit 1
            ;;
        hang) read -r word <"$matrix/hang" ;;
        lie) exit 0 ;;
    esac
fi
case $tool in
    sync)
        if [ -d "$matrix/synced" ]; then
            root=\${0%/usr/bin/*}
            /bin/rm -rf "$matrix/synced/state" "$matrix/synced/inet"
            /bin/cp -a "$root/var/ipsec-deploy" "$matrix/synced/state"
            /bin/cp -a "$root/etc/inet" "$matrix/synced/inet"
        fi
        exit 0
        ;;
    awk)
        if [ -s "$matrix/clock" ]; then
            read -r jump <"$matrix/clock"
            n=$#
            while [ "$n" -gt 0 ]; do
                word=$1
                shift
                case $word in
                    *'t = srand()'*) word=\${word%%'t = srand()'*}"t = srand() + $jump"\${word#*'t = srand()'} ;;
                esac
                set -- "$@" "$word"
                n=$((n - 1))
            done
        fi
        ;;
esac
exec @real@ "$@"
`;

function whereIs(name: string): string | undefined {
  return ['/usr/bin', '/bin']
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Puts the stand-ins first on the host's PATH. */
export function installStandIns(root: string): void {
  for (const name of NAMES) {
    const real = whereIs(name);
    if (real === undefined) continue;
    const path = join(root, 'usr/bin', name);
    rmSync(path, { force: true });
    writeFileSync(path, STAND_IN.replace('@real@', real), { mode: 0o755 });
  }
}

/** What the commands of one host are told to do. */
export class ToolsAtFault {
  /** Simulated calls that hang, each to be let go when the fault is lifted. */
  #hanging: (() => void)[] = [];
  readonly #hang: number;
  #closed = false;
  /** Hit so far, as `fail ipsecconf -c …`. */
  readonly #simulatedHits: string[] = [];

  constructor(private readonly folder: string) {
    const fifo = join(folder, 'hang');
    if (spawnSync('mkfifo', [fifo]).status !== 0) throw new Error(`mkfifo failed in ${folder}`);
    this.#hang = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#hang);
  }

  place({ how, after, keep }: ToolFault): void {
    writeFileSync(join(this.folder, 'tool.on'), '');
    writeFileSync(join(this.folder, 'tool.new'), `${after} ${keep} ${how} -\n`);
    renameSync(join(this.folder, 'tool.new'), join(this.folder, 'tool'));
  }

  /** Everything works again; what hangs goes on. */
  async lift(): Promise<void> {
    if (this.#closed) return;
    // A stand-in that is just looking at it does not put it back.
    rmSync(join(this.folder, 'tool.on'), { force: true });
    rmSync(join(this.folder, 'tool'), { force: true });
    for (const go of this.#hanging.splice(0)) go();
    writeSync(this.#hang, '\n'.repeat(40));
    await delay(100);
    drain(this.#hang);
    rmSync(join(this.folder, 'tool'), { force: true });
  }

  setClock(seconds: number): void {
    writeFileSync(join(this.folder, 'clock'), `${seconds}\n`);
  }

  rightClock(): void {
    rmSync(join(this.folder, 'clock'), { force: true });
  }

  get told(): readonly string[] {
    const path = join(this.folder, 'told');
    const system = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
    return [...system, ...this.#simulatedHits];
  }

  forgetTold(): void {
    rmSync(join(this.folder, 'told'), { force: true });
    this.#simulatedHits.length = 0;
  }

  readonly intercept: Intercept = async ({ tool, args }, run) => {
    const hit = this.#take(tool.replace(/^.*\//, ''), args);
    switch (hit) {
      case undefined:
        return run();
      case 'fail':
        return { exit: 1, stdout: '', stderr: `${tool}: failed as told\n` };
      case 'lie':
        return { exit: 0, stdout: '', stderr: '' };
      case 'hang':
        await new Promise<void>((go) => this.#hanging.push(go));
        // Whoever called it has been killed since, or hears that it failed.
        return { exit: 1, stdout: '', stderr: `${tool}: gave up\n` };
    }
  };

  #take(tool: string, args: readonly string[]): Misdeed | undefined {
    const path = join(this.folder, 'tool');
    if (!existsSync(path)) return undefined;
    const [after = '0', keep = 'once', how = 'fail', only = '-'] = readFileSync(path, 'utf8').trim().split(' ');
    const put = (left: number, still: string, alone: string): void =>
      writeFileSync(path, `${left} ${still} ${how} ${alone}\n`);
    if (only !== '-' && only !== tool) return undefined;
    if (Number(after) > 0) {
      put(Number(after) - 1, keep, only);
      return undefined;
    }
    const misdeed = how === 'hang' ? 'hang' : how === 'lie' ? 'lie' : 'fail';
    const tells = !changes(tool, args);
    if (misdeed === 'lie' && keep === 'all' && tells) return undefined;
    this.#simulatedHits.push(`${misdeed} ${tool} ${args.join(' ')}`);
    if (keep === 'once' || (misdeed === 'lie' && tells)) rmSync(path, { force: true });
    else if (keep === 'same') put(0, keep, tool);
    return misdeed;
  }
}

function changes(tool: string, args: readonly string[]): boolean {
  switch (tool) {
    case 'ipsecconf':
      return args.some((arg) => /^-[aFfdr]/.test(arg));
    case 'ipseckey':
      return args.includes('-f') || args.includes('flush');
    case 'in.iked':
      return !args.includes('-c');
    case 'svcadm':
    case 'svccfg':
    case 'pkill':
      return true;
    default:
      return false;
  }
}
