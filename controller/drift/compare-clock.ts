/** A host's clock against the controller's. What the answer took on its way is no fault of the clock. */

import type { DriftFinding } from '../model/drift.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { finding, onHost } from './finding-words.js';

/** The host tells whole seconds: its true time is up to one second later. */
const TOLD_TO_SECONDS = 1;

/** Seconds the host is ahead, negative for behind, at least; 0 where its time fits between question and answer. */
export function clockOffSeconds({ report, asked, answered }: Pick<HostView, 'report' | 'asked' | 'answered'>): number {
  const told = Date.parse(report.time) / 1000;
  const [from, to] = [asked.getTime() / 1000, answered.getTime() / 1000];
  if (told > to) return told - to;
  return told + TOLD_TO_SECONDS < from ? told + TOLD_TO_SECONDS - from : 0;
}

export function compareClock(view: HostView, { clockSeconds }: CompareSettings): readonly DriftFinding[] {
  const off = clockOffSeconds(view);
  if (Math.abs(off) <= clockSeconds) return [];
  return [
    finding(view, 'clock-off', {
      subject: 'clock',
      severity: 'warning',
      what: `its clock is ${Math.round(Math.abs(off))} s ${off > 0 ? 'ahead of' : 'behind'} ours (${clockSeconds} s are allowed)`,
      cause: 'no time service runs there, or here',
      mend: onHost('svcadm enable network/ntp'),
    }),
  ];
}
