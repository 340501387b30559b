/** What the defaults, a group or a host say about rendering and reaching hosts, and how layers add up. */

import type { FileModes, HostFileTemplates, Keying, Suite, Value } from '../model/host.js';
import type { PolicySyntax } from '../model/policy.js';
import type { Entry } from './check-shape.js';
import { problemError, type Report, type Sourced } from './problem-list.js';
import type { DefaultsShape } from './schema.js';
import { nodeAt, positionOf } from './source-tree.js';
import { parseSsh, type SshLayer } from './ssh.js';
import { parseSuite } from './suite.js';

export type Vars = Readonly<Record<string, Value>>;

export interface Layer {
  readonly template: string | undefined;
  readonly vars: Vars;
  readonly ssh: SshLayer | undefined;
  readonly keying: Sourced<Keying> | undefined;
  readonly suite: Sourced<Suite> | undefined;
  readonly files: HostFileTemplates;
  readonly modes: FileModes | undefined;
  readonly syntax: PolicySyntax | undefined;
}

const TEMPLATE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function parseLayer(entry: Entry<DefaultsShape>, report: Report): Layer {
  const { template, vars, ssh, keying, suite, files = {}, modes, syntax } = entry.value;
  const named: readonly (readonly [path: readonly string[], name: string | undefined])[] = [
    [['template'], template],
    [['files', 'manualKeys'], files.manualKeys],
    [['files', 'ikeConfig'], files.ikeConfig],
    [['files', 'presharedKeys'], files.presharedKeys],
  ];
  for (const [path, name] of named) {
    if (name === undefined || TEMPLATE_NAME.test(name)) continue;
    const what = `"${name}" is no template name`;
    const todo = 'write its file name without folder and ".hbs"';
    report(problemError('BAD_TEMPLATE', positionOf(entry.node, path), what, todo));
  }
  const sshNode = nodeAt(entry.node, ['ssh']);
  const suiteNode = nodeAt(entry.node, ['suite']);
  return {
    template,
    vars: vars ?? {},
    ssh: ssh === undefined || sshNode === undefined ? undefined : parseSsh(ssh, sshNode, report),
    keying: keying === undefined ? undefined : { value: keying, at: positionOf(entry.node, ['keying']) },
    suite: suite === undefined || suiteNode === undefined ? undefined : parseSuite(suite, suiteNode, report),
    files: mergeFiles([files]),
    modes,
    syntax,
  };
}

/** Adds up the templates of files, weakest first. */
export function mergeFiles(layers: readonly FilesShape[]): HostFileTemplates {
  const last = (key: keyof HostFileTemplates): string | undefined =>
    layers.findLast((layer) => layer[key] !== undefined)?.[key];
  const [manualKeys, ikeConfig, presharedKeys] = [last('manualKeys'), last('ikeConfig'), last('presharedKeys')];
  return {
    ...(manualKeys === undefined ? {} : { manualKeys }),
    ...(ikeConfig === undefined ? {} : { ikeConfig }),
    ...(presharedKeys === undefined ? {} : { presharedKeys }),
  };
}

type FilesShape = { readonly [key in keyof HostFileTemplates]?: string | undefined };

/** Adds up vars, weakest first: maps key by key, everything else is replaced. */
export function mergeVars(layers: readonly Vars[]): Vars {
  return layers.reduce<Vars>(merge, {});
}

function merge(weak: Vars, strong: Vars): Vars {
  const merged: Record<string, Value> = { ...weak };
  for (const [key, value] of Object.entries(strong)) {
    const under = weak[key];
    merged[key] = isVars(under) && isVars(value) ? merge(under, value) : value;
  }
  return merged;
}

function isVars(value: Value | undefined): value is Vars {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
