/** Reads what matters of a service manifest (service_bundle(4)): instances, order, methods, properties. Not a general XML reader. */

import { fullFmri } from './smf-fmri.js';
import type { Dependency, MethodName, ServiceDefinition } from './smf-services.js';

export type ManifestReading =
  | { readonly kind: 'services'; readonly services: readonly ServiceDefinition[] }
  | { readonly kind: 'bad'; readonly reason: string };

interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
}

export function readManifest(text: string): ManifestReading {
  const tree = readElements(text);
  if (typeof tree === 'string') return { kind: 'bad', reason: tree };
  const bundle = tree.children.find(({ name }) => name === 'service_bundle');
  if (bundle === undefined) return { kind: 'bad', reason: 'no service_bundle element' };
  const services = childrenOf(bundle, 'service').flatMap(definitionsOf);
  return services.length === 0 ? { kind: 'bad', reason: 'no service with a name' } : { kind: 'services', services };
}

function readElements(text: string): Element | string {
  const root: Element = { name: '', attributes: new Map(), children: [] };
  const open: Element[] = [root];
  const body = text.replace(/<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!DOCTYPE[^>]*>/g, '');
  for (const tag of body.matchAll(/<(\/?)([\w:-]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>/g)) {
    const [, closing, name = '', attributes = '', empty] = tag;
    const parent = open.at(-1);
    if (closing === '/') {
      if (parent?.name !== name) return `</${name}> closes nothing`;
      open.pop();
      continue;
    }
    const element: Element = { name, attributes: attributesOf(attributes), children: [] };
    parent?.children.push(element);
    if (empty !== '/') open.push(element);
  }
  return open.length === 1 ? root : `<${open.at(-1)?.name ?? ''}> is not closed`;
}

function attributesOf(text: string): Map<string, string> {
  const found = text.matchAll(/([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return new Map([...found].map(([, name = '', double, single]) => [name, unescape(double ?? single ?? '')]));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

const childrenOf = (element: Element, name: string): Element[] =>
  element.children.filter((child) => child.name === name);
const attribute = (element: Element, name: string): string => element.attributes.get(name) ?? '';

function definitionsOf(service: Element): ServiceDefinition[] {
  const name = attribute(service, 'name');
  if (name === '') return [];
  const whole = service.children;
  const single = childrenOf(service, 'create_default_instance').map((element) =>
    definition(`${name}:default`, attribute(element, 'enabled') === 'true', whole),
  );
  const named = childrenOf(service, 'instance').map((element) =>
    definition(`${name}:${attribute(element, 'name')}`, attribute(element, 'enabled') === 'true', [
      ...whole,
      ...element.children,
    ]),
  );
  return [...single, ...named];
}

function definition(name: string, enabled: boolean, parts: readonly Element[]): ServiceDefinition {
  const inside: Element = { name: '', attributes: new Map(), children: [...parts] };
  const methods: Partial<Record<MethodName, string>> = {};
  for (const method of childrenOf(inside, 'exec_method')) {
    const kind = attribute(method, 'name');
    if (kind === 'start' || kind === 'stop' || kind === 'refresh') methods[kind] = attribute(method, 'exec');
  }
  const properties = new Map<string, string>();
  for (const group of childrenOf(inside, 'property_group')) {
    for (const value of childrenOf(group, 'propval')) {
      properties.set(`${attribute(group, 'name')}/${attribute(value, 'name')}`, attribute(value, 'value'));
    }
  }
  return {
    fmri: fullFmri(name),
    enabled,
    dependencies: childrenOf(inside, 'dependency').map(dependencyOf),
    dependents: childrenOf(inside, 'dependent').map(dependencyOf),
    methods,
    transient: properties.get('startd/duration') === 'transient',
    properties,
  };
}

function dependencyOf(element: Element): Dependency {
  const grouping = attribute(element, 'grouping');
  const fmris = childrenOf(element, 'service_fmri').map((one) => attribute(one, 'value'));
  const services = fmris.filter((fmri) => !fmri.startsWith('file:')).map(fullFmri);
  return {
    grouping:
      grouping === 'require_any' || grouping === 'optional_all' || grouping === 'exclude_all'
        ? grouping
        : 'require_all',
    fmris: services,
  };
}
