/** What a host would make of a key file: accepted or not, with which messages, and the SAs then in the kernel. */

import type { Address } from '../../model/address.js';
import type { Secret } from '../../model/secret.js';
import { addressLookup, nameOf, type HostNames } from './address-lookup.js';
import { finishRun, runKeyFile, startRun, type KeyRun } from './key-commands.js';
import { saveText } from './sa-listing.js';
import { EMPTY_SAD, listSas } from './sad.js';
import { SA_TYPE } from '../../model/sa.js';

export interface KeySurroundings {
  /** The host's own addresses: they decide an SA's direction. */
  readonly addresses: readonly Address[];
  readonly hostNames: HostNames;
  /** Whether keys, and words that may be keys, are written out; else they show as `X` and `[word]`. */
  readonly secrets: 'written' | 'masked';
}

export interface KeyOutcome {
  /** 139 or 134 when the real program dies of a signal. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KeyForecast {
  /** `ipseckey -c FILE`, of mode 0600. */
  readonly check: KeyOutcome;
  /** `ipseckey -f FILE` on a host without SAs. */
  readonly load: KeyOutcome;
  /** `ipseckey -n -s -` after that, one line an SA. */
  readonly saved: readonly string[];
}

/** Everything the real command would say of a file, and leave in the kernel. Process ids and times show as PID and TIME. */
export function forecastKeys(text: string, around: KeySurroundings): KeyForecast {
  const check = playKeyFile(text, true, around);
  const load = playKeyFile(text, false, around);
  const hide = around.secrets === 'masked';
  return {
    check: outcomeOf(check),
    load: outcomeOf(load),
    saved: listSas(load.run.sad, SA_TYPE.all).map((sa) => oneLine(saveText(sa, hide))),
  };
}

interface Played {
  readonly run: KeyRun;
  readonly exit: number;
}

function playKeyFile(text: string, check: boolean, { addresses, hostNames, secrets }: KeySurroundings): Played {
  const run = startRun({
    fmri: undefined,
    check,
    listing: {
      numeric: false,
      hideKeys: secrets === 'masked',
      pid: 'PID',
      nameOf: (address) => nameOf(address, hostNames),
    },
    lookUp: addressLookup(hostNames, false),
    addresses,
    now: 0,
    show: secrets === 'masked' ? masked : (word) => word.revealText(),
    sad: EMPTY_SAD,
  });
  return { run, exit: finishRun(run, runKeyFile(run, 'FILE', text)) };
}

function masked(word: Secret): string {
  return word.revealText().includes(' ') ? '[command]' : '[word]';
}

function outcomeOf({ run, exit }: Played): KeyOutcome {
  return { exit, stdout: run.stdout, stderr: run.stderr };
}

/** A block of the saved file without its marks and line breaks. */
function oneLine(block: string): string {
  const body = /# begin assoc\n([\s\S]*?)\n# end assoc\n/.exec(block)?.[1] ?? '';
  return body.replace(/\\\n/g, ' ').replace(/\s+/g, ' ').trim();
}
