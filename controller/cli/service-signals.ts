/** Signals of a process that runs for long: SIGHUP reads the inventory again, SIGTERM and SIGINT stop it in order, and a second one at once. */

import { EXIT, type ExitStatus } from '../errors.js';
import type { WatchRequests } from '../run/watch-requests.js';

export interface ServiceSignals {
  /** 0 after SIGTERM, for then it was asked for; 130 after SIGINT, as everywhere. */
  exit(): ExitStatus;
  release(): void;
}

export function catchServiceSignals(requests: WatchRequests, note: (text: string) => void): ServiceSignals {
  let exit: ExitStatus = EXIT.ok;
  const onStop = (signal: NodeJS.Signals): void => {
    if (requests.stopped.aborted) process.exit(EXIT.interrupted);
    exit = signal === 'SIGINT' ? EXIT.interrupted : EXIT.ok;
    note('stopping: what was seen is kept; the same signal again leaves at once\n');
    requests.stop();
  };
  const onReload = (): void => requests.reload();
  process.on('SIGINT', onStop).on('SIGTERM', onStop).on('SIGHUP', onReload);
  return {
    exit: () => exit,
    release: () => void process.off('SIGINT', onStop).off('SIGTERM', onStop).off('SIGHUP', onReload),
  };
}
