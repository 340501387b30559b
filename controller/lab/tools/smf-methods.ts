/** Runs the methods of services and writes their logs. */

import { logPath } from './smf-fmri.js';
import { logLine } from './smf-log.js';
import type { StoredService } from './smf-repository.js';
import type { MethodName } from './smf-services.js';
import { underRoot, type FileAccess } from './tool.js';

export interface MethodResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SmfHost {
  readonly root: string;
  readonly files: FileAccess;
  now(): Date;
  /** Runs a method's command line with properties put in, such as `/usr/sbin/ipsecconf -q -a /etc/inet/ipsecinit.conf`. */
  runMethod(command: string, env: Readonly<Record<string, string>>): Promise<MethodResult>;
  /** Sends a signal to the processes of a service. */
  signal(fmri: string, signal: 'TERM' | 'HUP'): Promise<void>;
}

export class MethodRunner {
  constructor(private readonly host: SmfHost) {}

  /** Exit status of the method; 0 for one that does nothing. */
  async run(service: StoredService, name: MethodName): Promise<number> {
    const { fmri, methods } = service.definition;
    const text = methods[name] ?? ':true';
    const command = text.replace(/%\{([^}]*)\}/g, (_, property: string) => service.running.get(property) ?? '');
    if (command === ':true') return 0;
    await this.log(fmri, `Executing ${name} method ("${command}").`);
    if (command.startsWith(':kill')) {
      await this.host.signal(fmri, command.includes('HUP') ? 'HUP' : 'TERM');
      return 0;
    }
    const env = {
      SMF_FMRI: fmri,
      SMF_METHOD: name,
      SMF_RESTARTER: 'svc:/system/svc/restarter:default',
      SMF_ZONENAME: 'global',
    };
    const { exit, stdout, stderr } = await this.host.runMethod(command, env);
    await this.#append(fmri, withNewline(stdout) + withNewline(stderr));
    await this.log(fmri, `Method "${name}" exited with status ${exit}.`);
    return exit;
  }

  async log(fmri: string, text: string): Promise<void> {
    await this.#append(fmri, logLine(this.host.now(), text));
  }

  async #append(fmri: string, text: string): Promise<void> {
    if (text !== '') await this.host.files.append(underRoot(this.host.root, logPath(fmri)), text, 0o644);
  }
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
