/** The settings of ike/config and what kind of value each takes. Source: illumos ike.config(4). */

export type IkeSettingKind = 'string' | 'number' | 'flag' | 'group' | 'id-type';

/** For the whole file. */
export const GLOBALS: ReadonlyMap<string, IkeSettingKind> = new Map<string, IkeSettingKind>([
  ['cert_root', 'string'],
  ['cert_trust', 'string'],
  ['expire_timer', 'number'],
  ['ignore_crls', 'flag'],
  ['use_http', 'flag'],
  ['ldap_server', 'string'],
  ['pkcs11_path', 'string'],
  ['proxy', 'string'],
  ['socks', 'string'],
  ['retry_limit', 'number'],
  ['retry_timer_init', 'number'],
  ['retry_timer_max', 'number'],
  ['p1_lifetime_secs', 'number'],
  ['p1_nonce_len', 'number'],
  ['p2_nonce_len', 'number'],
  ['p2_lifetime_secs', 'number'],
  ['p2_softlife_secs', 'number'],
  ['p2_idletime_secs', 'number'],
  ['p2_lifetime_kb', 'number'],
  ['p2_softlife_kb', 'number'],
  ['p2_pfs', 'group'],
  ['local_id_type', 'id-type'],
]);

/** For one rule, once each; nonce lengths may not be set in one. */
export const RULE_SETTINGS: ReadonlyMap<string, IkeSettingKind> = new Map<string, IkeSettingKind>([
  ['label', 'string'],
  ['local_id_type', 'id-type'],
  ['p2_lifetime_secs', 'number'],
  ['p2_softlife_secs', 'number'],
  ['p2_idletime_secs', 'number'],
  ['p2_lifetime_kb', 'number'],
  ['p2_softlife_kb', 'number'],
  ['p2_pfs', 'group'],
]);

/** For one rule, as often as needed. */
export const RULE_LISTS: readonly string[] = ['local_addr', 'remote_addr', 'local_id', 'remote_id'];
