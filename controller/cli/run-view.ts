/** A run while it goes on: a live table on a terminal, plain lines elsewhere, events for programs. */

import type { ExitStatus } from '../errors.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { eventText, outcomeText, summaryText } from '../report/run-text.js';
import type { Output } from './output.js';

export interface RunView {
  readonly emit: (event: RunEvent) => void;
  end(outcomes: ReadonlyMap<string, HostOutcome>, exit: ExitStatus): void;
}

export async function createRunView(output: Output): Promise<RunView> {
  if (output.format === 'json') return { emit: (event) => output.json(event), end: () => undefined };
  return output.live ? liveView(output) : plainView(output);
}

function plainView(output: Output): RunView {
  return {
    emit: (event) => {
      const line = eventText(event, output.paint);
      if (line !== undefined) output.print(`${line}\n`);
    },
    end: (outcomes, exit) => output.print(`${summaryText(outcomes, exit)}\n`),
  };
}

/** One line a host that is at work; hosts that have ended are printed once, above, and stay in the scroll-back. */
async function liveView(output: Output): Promise<RunView> {
  const { createLogUpdate } = await import('log-update');
  const active = new Map<string, string>();
  const draw = createLogUpdate(process.stdout);
  const redraw = (): void => {
    const rows = Math.max(4, process.stdout.rows - 3);
    const lines = [...active].slice(0, rows).map(([host, text]) => `  ${host}: ${text}`);
    if (active.size > rows) lines.push(`  … and ${active.size - rows} more`);
    draw(lines.join('\n'));
  };
  return {
    emit: (event) => {
      switch (event.event) {
        case 'host-phase':
          active.set(event.host, output.paint('dim', event.phase.replaceAll('-', ' ')));
          break;
        case 'step':
          active.set(event.host, `${event.name} ${event.state === 'begin' ? '…' : event.state}`);
          if (event.state === 'failed') draw.persist(eventText(event, output.paint) ?? '');
          break;
        case 'armed':
          active.set(event.host, `verified, reverts at ${event.revertsAt} unless confirmed`);
          break;
        case 'probe':
        case 'probe-gap':
        case 'probed': {
          const line = eventText(event, output.paint);
          if (line !== undefined) draw.persist(line);
          break;
        }
        case 'outcome':
          active.delete(event.host);
          draw.persist(outcomeText(event.host, event, output.paint));
          break;
        case 'run-started':
        case 'run-ended':
          break;
      }
      redraw();
    },
    end: (outcomes, exit) => {
      active.clear();
      draw.clear();
      draw.done();
      output.print(`${summaryText(outcomes, exit)}\n`);
    },
  };
}
