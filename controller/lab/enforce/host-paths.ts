/** The two names of a file on a host of the enforcing lab: the host's own, and where it lies on this machine. Owns no I/O. */

/** Folders that a host has of its own. */
const OWN = /^\/(?:etc|lib|root|tmp|usr|var)(?:\/|$)/;

/** Where a path of the host lies on this machine; anything else stays as it is. */
export function toMachine(root: string, path: string): string {
  if (path.startsWith(`${root}/`) || !OWN.test(path)) return path;
  return root + path.replace(/^\/usr\/lib\/svc(?=\/|$)/, '/lib/svc');
}

/** A text with the host's own paths in the place of this machine's. */
export function toHost(root: string, text: string): string {
  return text.replaceAll(`${root}/`, '/');
}
