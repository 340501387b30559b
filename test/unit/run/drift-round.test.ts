import { describe, expect, test } from 'vitest';

import { spreadHosts } from '../../../controller/drift/spread.js';
import { EMPTY_MEMORY, type DriftDigest, type DriftMemory } from '../../../controller/model/drift.js';
import type { Host } from '../../../controller/model/host.js';
import type { WatchEvent } from '../../../controller/model/watch.js';
import type { DriftStore, HostLink, HostSession, Notifier } from '../../../controller/ports.js';
import { driftRound, type RoundInput } from '../../../controller/run/drift-round.js';
import { driftReportOf, fakeHost, fakeLink, hostNamed } from '../../support/fake-fleet.js';
import { idle, SimClock } from '../../support/sim-clock.js';

const START = '2026-11-22T10:15:00.000Z';

/** Remembers in memory; `writes` are all states it was given. */
class FakeStore implements DriftStore {
  memory: DriftMemory = EMPTY_MEMORY;
  readonly writes: DriftMemory[] = [];
  open = 0;
  isFull = false;

  read(): Promise<DriftMemory> {
    return Promise.resolve(this.memory);
  }

  write(memory: DriftMemory): Promise<void> {
    if (this.isFull) return Promise.reject(new Error('the disk is full'));
    this.memory = memory;
    this.writes.push(memory);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.open -= 1;
    return Promise.resolve();
  }
}

class FakeNotifier implements Notifier {
  readonly heard: DriftDigest[] = [];
  isDown = false;

  constructor(
    readonly name: string,
    readonly onTell: (stop: AbortSignal) => Promise<void> = () => Promise.resolve(),
  ) {}

  async tell(digest: DriftDigest, stop: AbortSignal): Promise<void> {
    await this.onTell(stop);
    if (this.isDown) throw new Error(`${this.name} does not answer`);
    this.heard.push(digest);
  }
}

interface Play {
  readonly names?: readonly string[];
  readonly link?: HostLink;
  readonly notifiers?: readonly Notifier[];
  readonly spreadSeconds?: number;
  readonly forks?: number;
  readonly remediate?: RoundInput['remediate'];
}

/** Rounds over hosts that were never applied to: each has one finding, which is told once. */
function play({ names = ['web1', 'web2'], spreadSeconds = 0, forks = 5, notifiers = [], ...rest }: Play = {}) {
  const clock = new SimClock(START);
  const store = new FakeStore();
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const emit = (event: WatchEvent): void => void events.push(event);
  const input: RoundInput = {
    gather: {
      starts: spreadHosts(
        names.map((name) => hostNamed(name)),
        spreadSeconds,
        () => 0.5,
      ),
      link: rest.link ?? fakeLink(names.map((name) => fakeHost(name))),
      forks,
      settings: { inventory: 'inventory.yaml', keyAgeDays: 0, clockSeconds: 1e9 },
    },
    rules: { fleet: 'test', hosts: names, confirmLooks: 1, dampingSeconds: 0 },
    notifiers,
    remediate: rest.remediate,
  };
  const round = () =>
    driftRound(input, {
      clock,
      stop: stop.signal,
      openStore: () => {
        store.open += 1;
        return Promise.resolve(store);
      },
      emit,
    });
  const told = () => events.flatMap((one) => (one.event === 'watch-told' ? [`${one.notifier} ${one.told}`] : []));
  return { clock, store, stop, events, round, told };
}

/** So that the next round has news again. */
function forget(store: FakeStore): void {
  store.memory = { ...EMPTY_MEMORY, backlog: store.memory.backlog };
}

function hostsOf(digests: readonly DriftDigest[]): readonly string[] {
  return digests.flatMap(({ opened }) => opened.flatMap(({ hosts }) => hosts));
}

describe('a round', () => {
  test('looks, remembers and tells what is new, once', async () => {
    const mail = new FakeNotifier('mail');
    const { round, store } = play({ notifiers: [mail] });
    const ended = await round();
    await round();
    expect(ended.complete).toBe(true);
    expect(hostsOf(mail.heard)).toEqual(['web1', 'web2']);
    expect(store.memory.incidents.map(({ told, seen }) => ({ told, seen }))).toEqual([
      { told: true, seen: 2 },
      { told: true, seen: 2 },
    ]);
    expect(store.open).toBe(0);
  });

  test('spreads hosts over the time given, and keeps each to its turn', async () => {
    const opened: number[] = [];
    const names = Array.from({ length: 40 }, (_, i) => `web${i}`);
    const fleet = fakeLink(names.map((name) => fakeHost(name)));
    const link: HostLink = {
      open: (host) => {
        opened.push((clock.now().getTime() - Date.parse(START)) / 1000);
        return fleet.open(host);
      },
    };
    const { clock, round } = play({ names, link, spreadSeconds: 600 });
    const running = round();
    await clock.runUntil('2026-11-22T10:25:00Z');
    expect((await running).complete).toBe(true);
    const wanted = spreadHosts(
      names.map((name) => ({ name })),
      600,
      () => 0.5,
    ).map(({ afterSeconds }) => afterSeconds);
    expect(opened.map(Math.round)).toEqual(wanted.map(Math.round));
  });

  test('counts what was accepted while hosts were looked at', async () => {
    const mail = new FakeNotifier('mail');
    const { round, store } = play({ notifiers: [mail], names: ['web1'] });
    const [incident] = (await round()).memory.incidents;
    const acceptance = { host: 'web1', id: incident?.id ?? '', until: '2027-01-01T00:00:00.000Z' };
    store.memory = { ...EMPTY_MEMORY, acceptances: [{ ...acceptance, reason: 'new', by: 'ops', at: START }] };
    expect((await round()).digest.opened).toEqual([]);
  });
});

describe('telling', () => {
  test('one that fails keeps nobody else from being told, and hears all of it in order when it answers again', async () => {
    const [mail, chat] = [new FakeNotifier('mail'), new FakeNotifier('chat')];
    const { round, store, told } = play({ notifiers: [mail, chat] });
    chat.isDown = true;
    await round();
    forget(store);
    await round();
    expect([mail.heard.length, chat.heard.length]).toEqual([2, 0]);
    chat.isDown = false;
    await round();
    expect(chat.heard).toEqual(mail.heard);
    expect(told()).toEqual(['mail true', 'chat false', 'mail true', 'chat false', 'chat true', 'chat true']);
    await round();
    expect([chat.heard.length, store.memory.backlog]).toEqual([2, []]);
  });

  test('what one of them could not be told is told by another process, as cron starts one each time', async () => {
    const [mail, chat] = [new FakeNotifier('mail'), new FakeNotifier('chat')];
    const first = play({ notifiers: [mail, chat] });
    chat.isDown = true;
    await first.round();
    chat.isDown = false;
    const second = play({ notifiers: [mail, chat] });
    second.store.memory = first.store.memory;
    await second.round();
    expect(chat.heard).toEqual(mail.heard);
    expect(second.store.memory.backlog).toEqual([]);
  });

  test('what somebody could not be told is let go when the inventory names him no more, or when it is old news', async () => {
    const [mail, chat] = [new FakeNotifier('mail'), new FakeNotifier('chat')];
    const { round, store } = play({ notifiers: [mail, chat] });
    chat.isDown = true;
    for (let i = 0; i < 22; i++) {
      forget(store);
      await round();
    }
    expect(store.memory.backlog.length).toBe(20);
    expect(store.memory.backlog.at(-1)?.digest).toBe(mail.heard.at(-1));
    const without = play({ notifiers: [mail] });
    without.store.memory = store.memory;
    await without.round();
    expect(without.store.memory.backlog).toEqual([]);
  });

  test('a host that is left alone is told of in the end, though nobody could be told at first', async () => {
    const mail = new FakeNotifier('mail');
    const { round, store } = play({ notifiers: [mail] });
    const quarantines = [{ host: 'web1', since: START, reason: 'drifted again' }];
    store.memory = { ...EMPTY_MEMORY, quarantines };
    mail.isDown = true;
    await round();
    await round();
    mail.isDown = false;
    await round();
    await round();
    expect(mail.heard.flatMap(({ quarantined }) => quarantined)).toEqual(quarantines);
    expect(hostsOf(mail.heard)).toEqual(['web1', 'web2']);
  });

  test('a crash before anybody was told of a host left alone loses nothing', async () => {
    const [mail, chat] = [new FakeNotifier('mail'), new FakeNotifier('chat')];
    const { round, store } = play({ notifiers: [mail, chat] });
    const quarantines = [{ host: 'web1', since: START, reason: 'drifted again' }];
    store.memory = { ...EMPTY_MEMORY, quarantines };
    await round();
    expect(store.writes[0]?.backlog.map(({ notifier, digest }) => [notifier, digest.quarantined])).toEqual([
      ['mail', quarantines],
      ['chat', quarantines],
    ]);
    expect(store.memory.backlog).toEqual([]);
  });

  test('one that hangs does not hold up another', async () => {
    const hung = new FakeNotifier(
      'hung',
      (stop) => new Promise((_resolve, reject) => stop.addEventListener('abort', reject)),
    );
    const mail = new FakeNotifier('mail');
    const { round, told, stop, clock } = play({ notifiers: [hung, mail] });
    const running = round();
    await idle();
    await clock.runUntil('2026-11-22T10:16:00Z');
    expect(told()).toEqual(['mail true']);
    stop.abort();
    await clock.runUntil('2026-11-22T10:16:03Z');
    await running;
    expect(told()).toEqual(['mail true', 'hung false']);
  });

  test('what nobody could be told is told by the next round, from another process too', async () => {
    const mail = new FakeNotifier('mail');
    const { round, store } = play({ notifiers: [mail] });
    mail.isDown = true;
    await round();
    expect(store.memory.incidents.every(({ told }) => !told)).toBe(true);
    mail.isDown = false;
    const other = play({ notifiers: [mail] });
    other.store.memory = store.memory;
    await other.round();
    await other.round();
    expect(hostsOf(mail.heard)).toEqual(['web1', 'web2']);
  });

  test('a crash between remembering and telling loses no alarm', async () => {
    const { store, round } = play({
      notifiers: [new FakeNotifier('mail', () => Promise.reject(new Error('killed here')))],
    });
    await round();
    expect(store.writes[0]?.incidents.map(({ told }) => told)).toEqual([false, false]);
  });

  test('nobody is told again and again when nothing can be remembered', async () => {
    const mail = new FakeNotifier('mail');
    const { round, store } = play({ notifiers: [mail] });
    store.isFull = true;
    await expect(round()).rejects.toThrow('the disk is full');
    expect(mail.heard).toEqual([]);
    expect(store.open).toBe(0);
  });
});

describe('stopped in the middle of a pass', () => {
  /** web1 answers, web2 never does, and the others wait for their turn behind it. */
  function hangingLink(closed: string[]): HostLink {
    const fleet = fakeLink([fakeHost('web1'), fakeHost('web2')]);
    return {
      open: async (host: Host): Promise<HostSession> => {
        const session = await fleet.open(host);
        if (host.name === 'web1') return session;
        let hangUp = (): void => undefined;
        return {
          ...session,
          drift: () =>
            new Promise((resolve) => {
              hangUp = () => resolve(driftReportOf());
            }),
          close: () => {
            closed.push(host.name);
            hangUp();
            return Promise.resolve();
          },
        };
      },
    };
  }

  test('keeps what it saw, closes what is open within ten seconds, and blames no host', async () => {
    const closed: string[] = [];
    const mail = new FakeNotifier('mail');
    const names = ['web1', 'web2', 'web3', 'web4'];
    const { round, stop, clock, store } = play({ names, link: hangingLink(closed), forks: 1, notifiers: [mail] });
    const running = round();
    await clock.runUntil('2026-11-22T10:15:30Z');
    stop.abort();
    await clock.runUntil('2026-11-22T10:15:40Z');
    const ended = await running;
    expect(ended.complete).toBe(false);
    expect(ended.pass.looks.map(({ host }) => host)).toEqual(['web1']);
    expect(ended.pass.ended <= '2026-11-22T10:15:40.000Z').toBe(true);
    expect(closed[0]).toBe('web2');
    expect(store.memory.incidents.map(({ finding }) => finding.host)).toEqual(['web1']);
    expect(hostsOf(mail.heard)).toEqual(['web1']);
    expect(store.open).toBe(0);
  });

  test('while hosts wait for their turn in the spread, it ends at once', async () => {
    const { round, stop, clock } = play({ names: ['web1', 'web2', 'web3'], spreadSeconds: 3600 });
    const running = round();
    await idle();
    stop.abort();
    const ended = await running;
    expect(ended.pass.looks).toEqual([]);
    expect(clock.now().toISOString()).toBe(START);
  });
});

describe('putting right', () => {
  const record = { host: 'web1', at: START, outcome: 'confirmed', planDigest: 'abc' };
  const quarantine = { host: 'web2', since: START, reason: 'it drifted again' };

  test('is given what is remembered, and what it did is remembered too', async () => {
    const { round, store, events } = play({
      remediate: ({ memory }) => {
        expect(memory.incidents).toHaveLength(2);
        return Promise.resolve({ records: [record], quarantines: [quarantine] });
      },
    });
    await round();
    expect(store.memory.remediations).toEqual([record]);
    expect(store.memory.quarantines).toEqual([quarantine]);
    expect(events.at(-1)).toMatchObject({ event: 'watch-remediated', records: [record] });
  });

  test('heeds what a person accepted while others were told', async () => {
    const acceptance = {
      host: 'web1',
      id: 'x',
      until: '2027-01-01T00:00:00.000Z',
      reason: 'new',
      by: 'ops',
      at: START,
    };
    const slow = new FakeNotifier('slow', () => {
      store.memory = { ...store.memory, acceptances: [acceptance] };
      return Promise.resolve();
    });
    const seen: DriftMemory[] = [];
    const { round, store } = play({
      notifiers: [slow],
      remediate: ({ memory }) => {
        seen.push(memory);
        return Promise.resolve({ records: [], quarantines: [] });
      },
    });
    store.write = (memory) => {
      store.memory = { ...memory, acceptances: store.memory.acceptances };
      return Promise.resolve();
    };
    await round();
    expect(seen[0]?.acceptances).toEqual([acceptance]);
  });

  test('does not begin when the pass was stopped', async () => {
    let isCalled = false;
    const { round, stop } = play({
      remediate: () => {
        isCalled = true;
        return Promise.resolve({ records: [], quarantines: [] });
      },
    });
    stop.abort();
    await round();
    expect(isCalled).toBe(false);
  });
});
