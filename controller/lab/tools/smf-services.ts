/** Services as manifests define them, and those a stock illumos host has for IPsec (manifests policy.xml, manual-key.xml, ipsecalgs.xml). */

export type MethodName = 'start' | 'stop' | 'refresh';

export interface Dependency {
  /** require_all: must be online. optional_all: only if it is there and can run. */
  readonly grouping: 'require_all' | 'require_any' | 'optional_all' | 'exclude_all';
  readonly fmris: readonly string[];
}

export interface ServiceDefinition {
  readonly fmri: string;
  readonly enabled: boolean;
  readonly dependencies: readonly Dependency[];
  /** Instances that wait for this one. */
  readonly dependents: readonly Dependency[];
  /** Command lines; `%{group/name}` stands for a property. `:true` does nothing, `:kill` ends the processes. */
  readonly methods: Readonly<Partial<Record<MethodName, string>>>;
  /** A transient service leaves no process behind. */
  readonly transient: boolean;
  readonly properties: ReadonlyMap<string, string>;
}

export const POLICY = 'svc:/network/ipsec/policy:default';
export const MANUAL_KEY = 'svc:/network/ipsec/manual-key:default';
export const IPSECALGS = 'svc:/network/ipsec/ipsecalgs:default';
export const IKE = 'svc:/network/ipsec/ike:default';
export const SSH = 'svc:/network/ssh:default';

const needs = (...fmris: readonly string[]): readonly Dependency[] => [{ grouping: 'require_all', fmris }];

export const STOCK_SERVICES: readonly ServiceDefinition[] = [
  {
    fmri: IPSECALGS,
    enabled: true,
    dependencies: [],
    dependents: [],
    methods: { start: '/usr/sbin/ipsecalgs -s', refresh: '/usr/sbin/ipsecalgs -s', stop: ':true' },
    transient: true,
    properties: new Map(),
  },
  {
    fmri: POLICY,
    enabled: true,
    dependencies: needs(IPSECALGS),
    dependents: [],
    methods: {
      start: '/usr/sbin/ipsecconf -q -a %{config/config_file}',
      refresh: '/usr/sbin/ipsecconf -q -F -a %{config/config_file}',
      stop: '/usr/sbin/ipsecconf -F',
    },
    transient: true,
    properties: new Map([['config/config_file', '/etc/inet/ipsecinit.conf']]),
  },
  {
    fmri: MANUAL_KEY,
    enabled: false,
    dependencies: needs(IPSECALGS),
    dependents: [],
    methods: {
      start: '/usr/sbin/ipseckey -f %{config/config_file}',
      refresh: '/usr/sbin/ipseckey -f %{config/config_file}',
      stop: '/usr/sbin/ipseckey flush',
    },
    transient: true,
    properties: new Map([['config/config_file', '/etc/inet/secret/ipseckeys']]),
  },
  {
    fmri: IKE,
    enabled: false,
    dependencies: needs(IPSECALGS, POLICY),
    dependents: [],
    methods: { start: '/usr/lib/inet/in.iked', refresh: ':kill -HUP', stop: ':kill' },
    transient: false,
    properties: new Map([
      ['config/config_file', '/etc/inet/ike/config'],
      ['config/admin_privilege', 'base'],
      ['config/debug_level', 'op'],
      ['config/debug_logfile', ''],
      ['config/ignore_errors', 'false'],
    ]),
  },
  {
    fmri: SSH,
    enabled: true,
    dependencies: [],
    dependents: [],
    methods: { start: ':true', refresh: ':true', stop: ':true' },
    transient: true,
    properties: new Map(),
  },
];
