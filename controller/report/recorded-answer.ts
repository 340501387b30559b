/** A prediction in the shape in which answers of the real tools are recorded: one JSON object, long texts cut. */

import { isCrash, type Prediction } from '../keys/predict-file.js';

/** Characters kept of each text, and how long a list may be before it shows its beginning and a count. */
const KEPT = { error: 300, policyOutput: 300, keysOutput: 600 } as const;
const LISTED = { ruleCharacters: 6000, rulesShown: 4, sas: 10, sasShown: 3 } as const;

/** `whole` leaves out every cut. */
export function recordedAnswer(id: string | number, prediction: Prediction, whole: boolean): object {
  const { kind, check, load, installed, listError } = prediction;
  const keep = (text: string, limit: number): string => (whole ? text : firstCharacters(text, limit));
  const output = kind === 'keys' ? KEPT.keysOutput : KEPT.policyOutput;
  const lines = installed === undefined || whole ? installed : cutList(kind, installed);
  return {
    id,
    kind,
    accept: check.exit === 0,
    exit: check.exit,
    stderr: keep(check.stderr, KEPT.error),
    stdout: keep(check.stdout, output),
    load_exit: load.exit,
    load_stdout: keep(load.stdout, output),
    load_stderr: keep(load.stderr, KEPT.error),
    ...(kind === 'keys'
      ? { saved: lines, nsaved: installed?.length }
      : { loaded: lines ?? null, nloaded: installed?.length ?? null }),
    ...(listError !== undefined && { list_stderr: listError }),
    ...((isCrash(check) || isCrash(load)) && { crash: true }),
  };
}

/** Characters are code points, of at most two units each: only as much of a long text is looked at. */
function firstCharacters(text: string, limit: number): string {
  return [...text.slice(0, 2 * limit)].slice(0, limit).join('');
}

function cutList(kind: Prediction['kind'], lines: readonly string[]): readonly string[] {
  const count = `... ${lines.length} in all`;
  if (kind === 'keys') return lines.length > LISTED.sas ? [...lines.slice(0, LISTED.sasShown), count] : lines;
  const characters = lines.reduce((sum, line) => sum + line.length + 4, 0);
  return characters > LISTED.ruleCharacters ? [...lines.slice(0, LISTED.rulesShown), count] : lines;
}
