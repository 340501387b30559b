/** Names of services: full FMRIs, abbreviations, patterns (smf(5), "Fault Management Resource Identifiers"). */

/** `network/ipsec/policy` of `svc:/network/ipsec/policy:default`. */
export function serviceName(fmri: string): string {
  return fmri.replace(/^svc:\//, '').replace(/:[^:/]*$/, '');
}

/** `svc:/network/ipsec/policy:default` of any way to write a whole name. */
export function fullFmri(name: string): string {
  const bare = name.replace(/^svc:\/+/, '').replace(/^\/+/, '');
  return `svc:/${/:[^:/]+$/.test(bare) ? bare : `${bare}:default`}`;
}

/** Where svc.startd writes a service's log. */
export function logPath(fmri: string): string {
  return `/var/svc/log/${fmri.replace(/^svc:\//, '').replaceAll('/', '-')}.log`;
}

/** Whether a word of a command line means this instance: whole, its last parts, or a pattern with `*` and `?`. */
export function matchesFmri(word: string, fmri: string): boolean {
  const wanted = word.replace(/^svc:\/+/, '');
  const whole = fmri.replace(/^svc:\//, '');
  const name = serviceName(fmri);
  if (/[*?[]/.test(wanted)) {
    const pattern = new RegExp(`^${globSource(wanted)}$`);
    return [fmri, whole, name].some((text) => pattern.test(text));
  }
  if (wanted === whole || wanted === name) return true;
  return !word.startsWith('svc:') && (whole.endsWith(`/${wanted}`) || name.endsWith(`/${wanted}`));
}

function globSource(glob: string): string {
  return glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
}
