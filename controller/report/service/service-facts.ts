/** What the file of a service says, whichever system it is for: who runs what, on which files. */

export interface ServiceFacts {
  /** Of the service: letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  readonly fleet: string;
  readonly user: string;
  /** Absolute paths, as all others here. */
  readonly node: string;
  readonly program: string;
  readonly inventory: string;
  /** Opens the key store; absent where the fleet has no keys. */
  readonly identityFile: string | undefined;
  /** Holds what drift remembers. */
  readonly stateFolder: string;
  readonly logFolder: string | undefined;
  /** Cron words, where the inventory has none. */
  readonly schedule: string | undefined;
  /** Whether it puts right what the inventory lets it. */
  readonly remediate: boolean;
  /** Environment variables that the inventory names for secrets. */
  readonly variables: readonly string[];
}

/** Seconds in which the service stops by itself: a pass in ten, a host that is being put right within its confirm window. */
export const STOP_SECONDS = 150;

/** Where the values of the variables are, one NAME=value a line, readable for root alone. */
export function environmentFile({ name }: ServiceFacts): string {
  return `/etc/ipsec-deploy/${name}.env`;
}

/** @param identity as the running service finds it */
export function serviceWords(facts: ServiceFacts, identity: string | undefined): readonly string[] {
  const { node, program, inventory, schedule, remediate } = facts;
  return [
    node,
    program,
    'drift',
    'watch',
    ...(identity === undefined ? [] : ['--identity', identity]),
    ...(schedule === undefined ? [] : ['--schedule', schedule]),
    ...(remediate ? ['--remediate'] : []),
    inventory,
  ];
}

/** For commands that a person pastes into a shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
