/** One host's managed files from the inventory, the templates and the public part of its keys. */

import type { Problem, SourcePosition } from '../errors.js';
import { hostPrefix, sameAddress, type Prefix } from '../model/address.js';
import type { Host } from '../model/host.js';
import type { ManagedFile, ManagedPath } from '../model/managed-file.js';
import { suiteProblems } from '../keys/suite.js';
import { nearest } from '../inventory/suggest.js';
import { managementBypasses } from './bypass.js';
import { keyBitsName } from './key-bits.js';
import { evaluateTemplate } from './evaluate-template.js';
import { namesOf } from './host-names.js';
import { oldStylePolicy } from './old-style-policy.js';
import { hostView, type HostView, type Subject } from './host-view.js';
import { sameProposal } from './ike-settings.js';
import type { InventoryIndex } from './inventory-index.js';
import { lineProblems } from './rendered-lines.js';
import { templateData, type KeyRecord, type SaFor } from './template-data.js';
import type { TemplateRecord } from './template-helpers.js';
import { TemplateFault } from './template-nodes.js';
import type { TemplateSet } from './template-set.js';

export interface RenderInput {
  readonly host: Host;
  readonly index: InventoryIndex;
  readonly templates: TemplateSet;
  readonly saFor: SaFor;
  readonly keys?: KeyRecord;
}

export interface Rendered {
  /** Empty when there is any error among the problems. */
  readonly files: readonly ManagedFile[];
  /** For each file and each of its lines, the template line that began it. */
  readonly origins: ReadonlyMap<ManagedPath, readonly SourcePosition[]>;
  /** Where the template of each file begins: what a file lacks as a whole is wrong there, whatever partial wrote its first line. */
  readonly templates: ReadonlyMap<ManagedPath, SourcePosition>;
  /** `psk ID`, `encr ID`, `auth ID`: bits of the longest key its link allows (key-bits.ts). */
  readonly keyBits: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

interface FileKind {
  readonly path: ManagedPath;
  readonly mode: ManagedFile['mode'];
  readonly template: string;
  readonly needed: boolean;
}

/** Renders all files a host needs: the policy always, IKE and manual keys when one of its links has that keying. */
export function renderHost(input: RenderInput): Rendered {
  const { host, index } = input;
  const subject: Subject = {
    name: host.name,
    addresses: host.addresses,
    groups: host.groups,
    template: host.template,
    ...(host.files === undefined ? {} : { files: host.files }),
    vars: host.vars,
    understood: index.varsOf(host),
    management: managementBypasses(managingOthers(index.inventory.management, host), host.ssh.port),
    links: index.linksOf(host.name),
  };
  const rendered = renderSubject(subject, host.at, input);
  return host.syntax === 'old' ? inOldStyle(rendered, host) : rendered;
}

function inOldStyle(rendered: Rendered, host: Host): Rendered {
  const policy = rendered.files.find(({ path }) => path === POLICY_PATH);
  if (policy === undefined) return rendered;
  const tables = namesOf(host);
  const old = oldStylePolicy(policy, rendered.origins.get(POLICY_PATH) ?? [], host.name, tables);
  const failed = old.problems.length > 0;
  return {
    ...rendered,
    files: failed ? [] : rendered.files.map((file) => (file === policy ? old.file : file)),
    origins: new Map([...rendered.origins, [POLICY_PATH, old.origins]]),
    problems: withoutRepeats([...rendered.problems, ...old.problems]),
  };
}

const POLICY_PATH: ManagedPath = '/etc/inet/ipsecinit.conf';

/** A host that is itself a place of management needs no rule for SSH from itself. */
function managingOthers(management: readonly Prefix[], { addresses }: Host): readonly Prefix[] {
  return management.filter(
    ({ address, length }) => length < hostPrefix(address).length || !addresses.some((own) => sameAddress(own, address)),
  );
}

/** The same for any subject; `at` is where the inventory speaks of it. */
export function renderSubject(
  subject: Subject,
  at: SourcePosition,
  { index, templates, saFor, keys }: Pick<RenderInput, 'index' | 'templates' | 'saFor' | 'keys'>,
): Rendered {
  const view = hostView(subject, index);
  const problems: Problem[] = [...linkProblems(view)];
  const { root, missingSas, keyBits } = templateData(view, index, saFor, keys);
  for (const id of missingSas) problems.push(keyMissing(id, at));
  const files: ManagedFile[] = [];
  const origins = new Map<ManagedPath, readonly SourcePosition[]>();
  const begins = new Map<ManagedPath, SourcePosition>();
  for (const kind of fileKinds(view).filter(({ needed }) => needed)) {
    const rendered = renderFile(kind, subject.name, at, templates, root);
    problems.push(...rendered.problems);
    if (rendered.file === undefined) continue;
    files.push(rendered.file);
    origins.set(kind.path, rendered.origins);
    const template = templates.templates.get(kind.template);
    if (template !== undefined) begins.set(kind.path, { file: template.file, line: 1, column: 1 });
  }
  const failed = problems.some(({ severity }) => severity === 'error');
  const bits = keys === undefined ? keyBits : new Map([...usedBits(files, keys), ...keyBits]);
  return { files: failed ? [] : files, origins, templates: begins, keyBits: bits, problems: withoutRepeats(problems) };
}

/** Bits of the keys that the files name, as far as the store knows them. */
function usedBits(files: readonly ManagedFile[], keys: KeyRecord): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const part of files.flatMap((file) => file.parts)) {
    if (typeof part === 'string' || 'generation' in part) continue;
    const name = keyBitsName(part.key, part.part);
    const bits = keys.bits.get(name);
    if (bits !== undefined) used.set(name, bits);
  }
  return used;
}

function fileKinds(view: HostView): readonly FileKind[] {
  const { manualKeys, ikeConfig, presharedKeys } = view.subject.files ?? {};
  const uses = (keying: string): boolean =>
    view.links.some(({ link, pairs }) => link.keying === keying && pairs.length > 0);
  return [
    { path: '/etc/inet/ipsecinit.conf', mode: '0400', template: view.subject.template, needed: true },
    { path: '/etc/inet/secret/ipseckeys', mode: '0400', ...choice('ipseckeys', manualKeys, uses('manual')) },
    { path: '/etc/inet/ike/config', mode: '0400', ...choice('ike-config', ikeConfig, uses('ike-psk')) },
    {
      path: '/etc/inet/secret/ike.preshared',
      mode: '0600',
      ...choice('ike-preshared', presharedKeys, uses('ike-psk')),
    },
  ];
}

/** A file whose template the inventory names is rendered even where no link needs it. */
function choice(
  builtIn: string,
  named: string | undefined,
  linkNeedsIt: boolean,
): Pick<FileKind, 'template' | 'needed'> {
  return { template: named ?? builtIn, needed: linkNeedsIt || named !== undefined };
}

function renderFile(
  { path, mode, template: name }: FileKind,
  host: string,
  at: SourcePosition,
  templates: TemplateSet,
  root: TemplateRecord,
): {
  readonly file?: ManagedFile;
  readonly origins: readonly SourcePosition[];
  readonly problems: readonly Problem[];
} {
  const template = templates.templates.get(name);
  if (template === undefined) return { origins: [], problems: [templateMissing(name, host, at, templates)] };
  try {
    const { parts, origins } = evaluateTemplate(template, templates, root);
    return { file: { path, mode, parts }, origins, problems: lineProblems(path, parts, origins, host) };
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    return { origins: [], problems: [error.problem(host)] };
  }
}

/** What is wrong with the host's vars and links before any template is looked at. */
function linkProblems(view: HostView): readonly Problem[] {
  const { subject } = view;
  return [
    ...subject.understood.problems,
    ...view.links.flatMap(({ link, peer, pairs, peerVars }): readonly Problem[] => {
      const found = [...peerVars.problems, ...suiteProblems(link.suite, link.at, link.keying === 'manual')];
      if (pairs.length === 0) {
        const what = `link ${link.id} joins no two addresses of one family`;
        found.push({
          code: 'LINK_WITHOUT_PAIR',
          severity: 'error',
          what,
          at: link.at,
          todo: 'give both ends an IPv4 or both an IPv6 address',
        });
      }
      if (link.keying === 'ike-psk' && peer.kind === 'host' && !sameProposal(subject.understood.ike, peerVars.ike)) {
        const [one, other] = [subject.name, peer.host].sort();
        const what = `vars.ike of "${one}" and "${other}" differ, so IKE between them would not come up`;
        found.push({
          code: 'IKE_VARS_DIFFER',
          severity: 'error',
          what,
          at: link.at,
          todo: 'set vars.ike on a group that holds both',
        });
      }
      return found;
    }),
  ];
}

function keyMissing(id: string, at: SourcePosition): Problem {
  return {
    code: 'KEY_MISSING',
    severity: 'error',
    what: `the key store has no ${id}`,
    at,
    todo: 'run ipsec-deploy plan or apply, which make the keys that are missing',
  };
}

function templateMissing(name: string, host: string, at: SourcePosition, templates: TemplateSet): Problem {
  const near = nearest(name, templates.templates.keys());
  const todo = near === undefined ? `add ${name}.hbs to your templates folder` : `did you mean "${near}"?`;
  return {
    code: 'TEMPLATE_UNKNOWN',
    severity: 'error',
    what: `host "${host}" asks for template "${name}", which does not exist`,
    at,
    todo,
  };
}

/** A line of `links:` that makes many links has its warning once. */
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ code, what, at }) => {
    const key = `${code} ${what} ${at === undefined ? '' : `${at.file}:${at.line}:${at.column}`}`;
    return !seen.has(key) && seen.add(key) === seen;
  });
}
