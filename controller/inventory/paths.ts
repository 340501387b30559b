/** Paths as written in an inventory, resolved without touching a disk. */

/** `path` seen from the folder of `file`; absolute paths and `~` stay as written. */
export function resolveBeside(file: string, path: string): string {
  if (path.startsWith('/') || path === '~' || path.startsWith('~/')) return path;
  const slash = file.lastIndexOf('/');
  return normalise(slash < 0 ? path : `${file.slice(0, slash + 1)}${path}`);
}

function normalise(path: string): string {
  const root = path.startsWith('/') ? '/' : '';
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (part !== '..' || root === '') kept.push(part);
  }
  return `${root}${kept.join('/')}` || '.';
}

/** An absolute path on a host that no shell, sudoers file, rights profile or key option reads as anything else. */
export function isPlainHostPath(path: string): boolean {
  return /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/.test(path);
}
