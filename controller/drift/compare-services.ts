/** The services behind the managed files: which should run and do not, and what they are set to. */

import type { DriftFinding } from '../model/drift.js';
import type { Adapter } from '../platform/adapter.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, finding, onHost } from './finding-words.js';

/** A service that should be online and is not. */
export interface ServiceTrouble {
  readonly service: string;
  readonly state: string;
  /** ISO 8601, UTC: when it came into that state. */
  readonly since: string | undefined;
  readonly cause: string;
  /** The end of its log, for one in maintenance. */
  readonly log: readonly string[];
}

/** The service that reads a file of the generation has to be online; others are the operator's own business. */
export function expectedServices({ report, adapter }: HostView): readonly { service: string; file: string }[] {
  const { files, services } = adapter;
  return [
    { service: services.policy, file: files.policy },
    { service: services.manualKeys, file: files.manualKeys },
    { service: services.ike, file: files.ikeConfig },
  ].filter(({ file }) => report.manifest?.files.some(({ path }) => path === file));
}

export function serviceTroubles(view: HostView): ReadonlyMap<string, ServiceTrouble> {
  const troubles = new Map<string, ServiceTrouble>();
  for (const { service } of expectedServices(view)) {
    const trouble = serviceTrouble(view, service);
    if (trouble !== undefined) troubles.set(service, trouble);
  }
  return troubles;
}

export function serviceTrouble(
  { report, adapter }: Pick<HostView, 'report' | 'adapter'>,
  service: string,
): ServiceTrouble | undefined {
  const state = report.services.get(service) ?? 'absent';
  // A star stands behind a state that is just being left.
  if (state === 'online' || (state.endsWith('*') && !state.startsWith('maintenance'))) return undefined;
  const details = report.serviceDetails.get(service);
  const log = (report.logs.find((one) => one.service.replace(/:default$/, '') === service)?.lines ?? [])
    .filter((line) => line.trim() !== '')
    .slice(-LOG_LINES);
  return { service, state, since: details?.since, cause: causeOf(adapter, service, state, details?.enabled, log), log };
}

const LOG_LINES = 5;

function causeOf(
  { byHand }: Adapter,
  service: string,
  state: string,
  enabled: boolean | undefined,
  log: readonly string[],
): string {
  if (state.startsWith('maintenance')) {
    // Lines in brackets are the service manager's own; what the method said tells more than that it failed.
    const said = log.findLast((line) => !/^\[ .* \]$/.test(line.trim())) ?? log.at(-1);
    if (/administrative request/.test(log.at(-1) ?? '')) return `\`svcadm mark maintenance ${service}\` was run`;
    return `its method failed${said === undefined ? '' : `: ${said.trim()}`}`;
  }
  if (state === 'disabled') {
    return byHand.stopped(service, enabled === true);
  }
  return state === 'absent'
    ? 'the service was deleted, or its package removed'
    : 'it waits for a service it depends on';
}

/** `changed`: whether a file that the service reads is not as recorded; to clear the service would only make it fail on it again. */
export function serviceFinding(
  view: HostView,
  trouble: ServiceTrouble,
  { consequence, changed }: { readonly consequence: string; readonly changed: boolean },
  settings: CompareSettings,
): DriftFinding {
  const { service, state, since, cause, log } = trouble;
  const { services } = view.adapter;
  const isPolicy = service === services.policy;
  const isNeeded = isPolicy || (service === services.ike && needsIke(view));
  return finding(view, 'service-state', {
    subject: service,
    severity: isNeeded ? 'critical' : 'warning',
    what: `service ${service} is ${state}${consequence}`,
    since: since === undefined ? undefined : { at: since, by: 'service log' },
    cause,
    // Clearing the policy service adds its file to what is loaded; an apply replaces it in one step.
    mend:
      state.startsWith('maintenance') && !isPolicy && !changed
        ? onHost(`svcadm clear ${service}`)
        : applyCommand(view, settings),
    details: log,
  });
}

/** Whether a link of the generation gets its SAs from IKE; a configuration that is rendered without one serves nobody of ours. */
function needsIke({ report }: HostView): boolean {
  return report.manifest?.keys.some(({ id }) => id.startsWith('psk:')) ?? false;
}

/** Services that run, and would not as they should after a boot. */
export function settingsFindings(view: HostView, settings: CompareSettings): readonly DriftFinding[] {
  return expectedServices(view).flatMap(({ service, file }): readonly DriftFinding[] => {
    const details = view.report.serviceDetails.get(service);
    if (details === undefined) return [];
    const { configFile, enabled } = details;
    const found: DriftFinding[] = [];
    if (configFile !== undefined && configFile !== file) {
      const set = `svccfg -s ${service} setprop config/config_file = ${file}`;
      found.push(
        finding(view, 'service-settings', {
          subject: `${service} config/config_file`,
          severity: service === view.adapter.services.policy ? 'critical' : 'warning',
          what: `service ${service} reads ${configFile}, not ${file}: that is what the next boot loads`,
          cause: '`svccfg … setprop config/config_file` was run by hand',
          mend: `${onHost(set, `svcadm refresh ${service}`)}; then ${applyCommand(view, settings)}`,
        }),
      );
    }
    if (enabled === false && view.report.services.get(service) === 'online') {
      found.push(
        finding(view, 'service-settings', {
          subject: `${service} general/enabled`,
          severity: 'warning',
          what: `service ${service} runs, and does not start at the next boot`,
          cause: `\`svcadm enable -t ${service}\` was run after a disable`,
          mend: onHost(`svcadm enable ${service}`),
        }),
      );
    }
    return found;
  });
}
