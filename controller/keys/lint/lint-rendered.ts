/** Lint of files that templates rendered, as problems placed at the template line that wrote them. */

import type { Problem, SourcePosition } from '../../errors.js';
import type { ManagedPath } from '../../model/managed-file.js';
import { lintText, type FileContext } from './lint-file.js';
import type { LintKind } from './rule-book.js';

export interface RenderedContext extends FileContext {
  /** Where the line of the rendered file was written. Without, problems are placed in `file` itself. */
  readonly origin?: (line: number) => SourcePosition | undefined;
  /** What problems call the file. */
  readonly file: string;
}

/** The kind of each file that is managed on a host. */
export const KIND_OF_PATH: Readonly<Record<ManagedPath, LintKind>> = {
  '/etc/inet/ipsecinit.conf': 'policy',
  '/etc/inet/secret/ipseckeys': 'keys',
  '/etc/inet/ike/config': 'ike',
  '/etc/inet/secret/ike.preshared': 'psk',
};

/**
 * Errors and warnings; what is only worth knowing is left out. Whether the tool takes the file is not asked here. Keys that
 * stand in for the real ones are compared and sized like any: leave out what is said of them with `ABOUT_KEYS`.
 */
export function lintRendered(text: string, kind: LintKind, context: RenderedContext): readonly Problem[] {
  return lintText(kind, text, context).findings.flatMap((finding): readonly Problem[] => {
    const { code, severity, line, column, what, todo, related } = finding;
    if (severity === 'info') return [];
    const at = context.origin?.(line) ?? { file: context.file, line, column };
    const traced = context.origin === undefined ? '' : ` (line ${line} of ${context.file})`;
    const beside = (related ?? []).map((one) => one.line);
    const also = beside.length === 0 ? '' : `; see line ${beside.join(', ')}${traced === '' ? '' : ' there'}`;
    return [{ code, severity, what: `${what}${traced}${also}`, at, todo }];
  });
}

/** Codes that judge the key material itself, which in a rendered file may be made up. */
export const ABOUT_KEYS: ReadonlySet<string> = new Set(['KEY_REUSED', 'PSK_WEAK']);
