/**
 * Findings as a SARIF 2.1.0 log, for code hosts and editors that read it
 * (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
 */

export type SarifLevel = 'error' | 'warning' | 'note';

/** One kind of finding. */
export interface SarifRule {
  readonly id: string;
  readonly level: SarifLevel;
  /** A few words. */
  readonly title: string;
  readonly why?: string;
}

export interface SarifPlace {
  readonly line: number;
  readonly column?: number;
  readonly endLine?: number;
}

export interface SarifResult extends Partial<SarifPlace> {
  readonly ruleId: string;
  readonly level: SarifLevel;
  readonly message: string;
  /** Left out where a finding belongs to no file. */
  readonly file?: string;
  /** In the same file. */
  readonly related?: readonly (SarifPlace & { readonly message: string })[];
  /** Why the finding is silenced: it is listed, and counts for nothing. */
  readonly suppressed?: string;
}

export interface SarifTool {
  readonly name: string;
  readonly version: string;
  readonly rules: readonly SarifRule[];
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** Rules that a result names and the tool does not list are left without a description, as the format allows. */
export function sarifLog(tool: SarifTool, results: readonly SarifResult[]): object {
  const places = new Map(tool.rules.map(({ id }, i) => [id, i]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: tool.name, version: tool.version, rules: tool.rules.map(ruleOf) } },
        // Columns count characters, as editors do.
        columnKind: 'unicodeCodePoints',
        results: results.map((result) => resultOf(result, places.get(result.ruleId))),
      },
    ],
  };
}

function ruleOf({ id, level, title, why }: SarifRule): object {
  return {
    id,
    shortDescription: { text: title },
    ...(why === undefined ? {} : { fullDescription: { text: why } }),
    defaultConfiguration: { level },
  };
}

function resultOf(
  { ruleId, level, message, file, related, suppressed, ...place }: SarifResult,
  ruleIndex?: number,
): object {
  return {
    ruleId,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    level,
    message: { text: message },
    ...(file === undefined ? {} : { locations: [{ physicalLocation: locationOf(file, place) }] }),
    ...(file === undefined || related === undefined || related.length === 0
      ? {}
      : {
          relatedLocations: related.map(({ message: text, ...at }, id) => ({
            id,
            message: { text },
            physicalLocation: locationOf(file, at),
          })),
        }),
    ...(suppressed === undefined ? {} : { suppressions: [{ kind: 'inSource', justification: suppressed }] }),
  };
}

function locationOf(file: string, { line, column, endLine }: Partial<SarifPlace>): object {
  const artifactLocation = { uri: uriOf(file) };
  if (line === undefined) return { artifactLocation };
  const region = {
    startLine: line,
    ...(column === undefined ? {} : { startColumn: column }),
    ...(endLine === undefined || endLine <= line ? {} : { endLine }),
  };
  return { artifactLocation, region };
}

/** A relative path stays relative to where the program ran; other systems' separators and odd characters are made a URI. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  return file.startsWith('/') ? `file://${path}` : path;
}
