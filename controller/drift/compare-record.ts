/** What we keep on a host: the state folder, the boot guard, the number of the generation; and files that belong to nobody. */

import type { DriftFinding } from '../model/drift.js';
import type { DriftFile, Leftover } from '../model/observation.js';
import { isOlder, isOpenSecret, since } from './compare-files.js';
import { serviceTrouble } from './compare-services.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { confirmedAt, isBehind } from './seen-generations.js';
import { applyCommand, count, finding, onHost, shellWord, toolCommand } from './finding-words.js';

const GUARD = 'site/ipsec-deploy-guard';
const STATE_FOLDER = '/var/ipsec-deploy';

export function compareRecord(view: HostView): readonly DriftFinding[] {
  return [...stateFolder(view), ...bootGuard(view), ...leftovers(view)];
}

/** Keys of kept generations lie in it. */
export function stateFolder(view: HostView): readonly DriftFinding[] {
  const { stateFolder: folder, facts } = view.report;
  if (folder.state === 'absent') return [];
  const wrong = folderFault(folder, facts.get('user'));
  if (wrong === undefined) return [];
  return [
    finding(view, 'state-folder-open', {
      subject: folder.path,
      severity: 'critical',
      what: `${folder.path} ${wrong}: the keys of kept generations lie in it`,
      cause: 'chmod, chown or a restore by hand',
      mend:
        folder.type === undefined || folder.type === 'folder'
          ? onHost(`chown root ${folder.path}`, `chmod 700 ${folder.path}`)
          : `${onHost(`ls -ld ${folder.path}`)}; then put the folder itself back in its place`,
    }),
  ];
}

function folderFault({ type, mode, uid, linkTo }: DriftFile, user: string | undefined): string | undefined {
  if (type === 'link') return `is a symbolic link to ${linkTo ?? 'another place'}`;
  if (type !== undefined && type !== 'folder') return 'is no folder';
  if (mode !== undefined && (Number.parseInt(mode, 8) & 0o077) !== 0) return `has mode ${mode} and is open to others`;
  if (user !== undefined && /^\d+$/.test(user) && uid !== undefined && uid !== Number(user))
    return `belongs to user ${uid}`;
  return undefined;
}

/** The host's own history, and what we remember, against the generation it says it is on. Newer than remembered is no drift. */
export function generationMoved(view: HostView, settings: CompareSettings): readonly DriftFinding[] {
  const { report } = view;
  const told = report.history.findLast((line) => / confirmed generation=\d+/.test(line));
  const recorded = told === undefined ? undefined : Number(/ confirmed generation=(\d+)/.exec(told)?.[1]);
  const now = report.generation ?? 0;
  const seen = settings.lastGeneration;
  const isBack = seen !== undefined && isBehind({ generation: now, confirmed: confirmedAt(report) }, seen);
  const last = Math.max(recorded ?? 0, isBack ? seen.generation : 0);
  const at = told?.split(' ')[0];
  if (last <= now && (report.manifest === undefined || report.manifest.generation === now)) return [];
  return [
    finding(view, 'generation-moved', {
      subject: 'generation',
      severity: 'warning',
      what:
        last > now
          ? `the host is on ${now === 0 ? 'no generation' : `generation ${now}`}, and generation ${last} was confirmed there`
          : `the host is on generation ${now}, and its record is of generation ${report.manifest?.generation}`,
      since: recorded === last && at !== undefined ? { at, by: 'host record' } : undefined,
      cause: `${STATE_FOLDER} was ${told === undefined && now === 0 ? 'removed, or the host made anew' : 'restored from a backup or cut by hand'}`,
      mend: `${toolCommand('plan', view, settings)} shows what differs; then ${applyCommand(view, settings)}`,
    }),
  ];
}

/** What finishes or takes back an open transaction at the next boot. */
function bootGuard(view: HostView): readonly DriftFinding[] {
  const { guard, agents } = view.report;
  const trouble = serviceTrouble(view, GUARD);
  const told = { subject: GUARD, severity: 'warning' } as const;
  const [agent] = agents;
  const copy = agent === undefined ? [] : [`cp ${STATE_FOLDER}/agent/${agent} ${STATE_FOLDER}/agent/boot`];
  const { value, file, enable, unknown } = view.adapter.guard;
  const write = manifestCommand(value, file, guard.scriptIsShipped ? 'boot' : (agent ?? 'boot'));
  const load = [...(guard.manifest === 'same' ? [] : [write]), ...enable];
  const consequence =
    'a transaction that is open when the host goes down is not taken back before its policy is loaded';
  const isUnknown = trouble?.state === 'absent';
  if (guard.script === undefined || isUnknown) {
    return [
      finding(view, 'boot-guard-missing', {
        ...told,
        what: `the boot guard ${guard.script === undefined ? 'has no script' : unknown}: ${consequence}`,
        cause: 'removed by hand',
        mend: onHost(...(guard.script === undefined ? copy : []), ...(isUnknown ? load : [])),
      }),
    ];
  }
  if (trouble !== undefined) {
    return [
      finding(view, 'boot-guard-missing', {
        ...told,
        what: `the boot guard is ${trouble.state}: ${consequence}`,
        since: trouble.since === undefined ? undefined : { at: trouble.since, by: 'service log' },
        cause: trouble.cause,
        mend: onHost(`svcadm ${trouble.state.startsWith('maintenance') ? 'clear' : 'enable'} ${GUARD}`),
        details: trouble.log,
      }),
    ];
  }
  if (!guard.scriptIsShipped && !agents.includes(guard.script)) {
    return [
      finding(view, 'boot-guard-missing', {
        ...told,
        severity: 'critical',
        what: `the boot guard's script is none of ours: root runs it at each boot`,
        cause: `${STATE_FOLDER}/agent/boot was edited by hand`,
        mend: onHost(...copy),
      }),
    ];
  }
  if (!guard.scriptIsShipped) {
    return [
      finding(view, 'agent-outdated', {
        subject: 'agent',
        class: 'pending',
        severity: 'info',
        what: 'the boot guard runs the agent of an earlier version of this tool',
        cause: 'the tool was updated since the last change there',
        mend: 'nothing to do: the next change of the host brings the new one',
      }),
    ];
  }
  if (guard.manifest === 'same') return [];
  return [
    finding(view, 'boot-guard-missing', {
      ...told,
      severity: 'info',
      what: `the boot guard's manifest is ${guard.manifest === 'absent' ? 'gone' : 'not ours'}: the guard is at work, and who imports that file changes it`,
      cause: `${file} was ${guard.manifest === 'absent' ? 'removed' : 'edited'} by hand`,
      mend: onHost(write),
    }),
  ];
}

/** Its file is part of the script that the guard runs, as a value in single quotes (agent-bundle.ts). */
function manifestCommand(value: string, file: string, script: string): string {
  return `sed -n "/^${value}='/,/'\\$/{s/^${value}='//;s/'\\$//;p;}" ${STATE_FOLDER}/agent/${script} > ${file}`;
}

/** Staged files and odd ones of the state folder, each kind one finding; copies beside managed files one each. */
function leftovers(view: HostView): readonly DriftFinding[] {
  const { leftovers: all } = view.report;
  const found: DriftFinding[] = [];
  for (const kind of ['staged', 'state'] as const) {
    const paths = all.filter((one) => one.kind === kind).map(({ path }) => path);
    const [first = '', ...others] = paths;
    if (first === '') continue;
    // The folder stands for what is in it.
    const inFirst = others.every((path) => path.startsWith(`${first}/`));
    found.push(
      finding(view, 'file-orphan', {
        // They come and go while one clears away, and stay one finding.
        subject: kind === 'staged' ? 'staged files' : STATE_FOLDER,
        severity: kind === 'staged' ? 'warning' : 'info',
        what:
          kind === 'staged'
            ? `${count(paths.length, 'staged file')} of a transaction that is over: keys may be in them`
            : `${first}${others.length === 0 ? ' is' : ` and ${others.length} more are`} in ${STATE_FOLDER} and not ours`,
        cause:
          kind === 'staged' ? 'the host went down or was killed while they were cleared away' : 'put there by hand',
        mend: onHost(`rm -r ${inFirst ? shellWord(first) : paths.slice(0, 5).map(shellWord).join(' ')}`),
        details: others.length === 0 ? undefined : paths,
      }),
    );
  }
  return [...found, ...all.filter((one) => one.kind === 'copy').flatMap((one) => copyFinding(view, one))];
}

/** A copy of a key file is told of however old it is; another one when it was made since the generation. */
function copyFinding(view: HostView, { path, file }: Leftover): readonly DriftFinding[] {
  const isSecret = path.startsWith('/etc/inet/secret/');
  const isOld = file !== undefined && isOlder(file, view.report);
  if (!isSecret && isOld) return [];
  const isOpen = file !== undefined && isOpenSecret(file);
  return [
    finding(view, 'file-orphan', {
      subject: path,
      severity: isOpen ? 'critical' : isSecret ? 'warning' : 'info',
      what: `${path} lies beside a managed file${isOpen ? `, and others can read its keys (mode ${file.mode})` : isSecret ? ', keys and all' : ''}`,
      since: file === undefined ? undefined : since(file),
      cause: 'a copy that an editor or a person left',
      mend: onHost(`rm ${shellWord(path)}`),
    }),
  ];
}
