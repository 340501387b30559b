/** Carries out a plan under a view: what apply and rollback have in common. */

import { EXIT, type ExitStatus } from '../errors.js';
import { countOutcomes, runExit, type RunEvent } from '../model/run.js';
import { fillFile } from '../plan/fill.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import type { KeyStore } from '../ports.js';
import { ownNetwork } from '../remote/own-network.js';
import { applyFleet, windowFor } from '../run/apply-fleet.js';
import type { SessionLot } from '../run/session-lot.js';
import type { Context } from './context.js';
import type { Interrupts } from './interrupts.js';
import { createRunView } from './run-view.js';

export async function carryOut(
  context: Context,
  plan: FleetPlan,
  store: KeyStore,
  lot: SessionLot,
  interrupts: Interrupts,
): Promise<ExitStatus> {
  const view = await createRunView(context.output);
  interrupts.beginChanges();
  const open = new OpenTransactions(plan, context);
  interrupts.lastWords = () => open.text();
  const emit = (event: RunEvent): void => {
    context.log.event(
      event.event === 'outcome' && event.status !== 'confirmed' && event.status !== 'unchanged' ? 'warn' : 'info',
      event.event,
      {
        run: plan.run,
        ...event,
      },
    );
    open.follow(event);
    view.emit(event);
  };
  emit({
    event: 'run-started',
    run: plan.run,
    hosts: [...plan.hosts.map((host) => host.host), ...plan.excluded.map(({ host }) => host)],
  });
  const outcomes = await applyFleet({
    plan,
    hosts: new Map(context.inventory.hosts.map((host) => [host.name, host])),
    settings: context.settings,
    ports: { lot, clock: context.clock, fill: (file, generation) => fillFile(store, file, generation), emit },
    random: context.random,
    stop: interrupts.signal,
    probing: { inventory: context.inventory, own: ownNetwork },
  });
  const exit = interrupts.signal.aborted ? EXIT.interrupted : runExit(outcomes.values());
  emit({ event: 'run-ended', run: plan.run, exit, counts: countOutcomes(outcomes.values()) });
  view.end(outcomes, exit);
  return exit;
}

/** Which hosts may have a change in force that is not confirmed, and until when at the latest. */
class OpenTransactions {
  readonly #revertsAt = new Map<string, string>();
  readonly #windows: ReadonlyMap<string, number>;

  constructor(
    private readonly plan: FleetPlan,
    private readonly context: Context,
  ) {
    const { settings } = context;
    this.#windows = new Map(
      plan.groups.flatMap((group) => group.map((host) => [host, windowFor(group.length, settings)] as const)),
    );
  }

  follow(event: RunEvent): void {
    if (event.event === 'outcome') this.#revertsAt.delete(event.host);
    else if (event.event === 'armed') this.#revertsAt.set(event.host, event.revertsAt);
    else if (event.event === 'host-phase' && event.phase === 'sending') {
      const latest = this.context.clock.now().getTime() + (this.#windows.get(event.host) ?? 0) * 1000;
      this.#revertsAt.set(event.host, new Date(latest).toISOString());
    }
  }

  text(): string {
    return [...this.#revertsAt]
      .map(
        ([host, at]) =>
          `${host}: transaction ${this.plan.run}.${host} may be open; it reverts by ${at} unless it was confirmed\n`,
      )
      .join('');
  }
}
