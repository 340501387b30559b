/** Many names in few words: `web1–web40, db1`. */

/** Runs of names that count up, three or more in a row, in the order given. */
export function nameRuns(names: readonly string[]): string {
  const words: string[] = [];
  for (let at = 0; at < names.length;) {
    let end = at;
    while (end + 1 < names.length && follows(names[end] ?? '', names[end + 1] ?? '')) end++;
    if (end - at >= 2) words.push(`${names[at] ?? ''}–${names[end] ?? ''}`);
    else words.push(...names.slice(at, end + 1));
    at = end + 1;
  }
  return words.join(', ');
}

function follows(name: string, next: string): boolean {
  const [, stem, digits] = /^(.*?)(\d+)$/.exec(name) ?? [];
  const [, nextStem, nextDigits] = /^(.*?)(\d+)$/.exec(next) ?? [];
  return stem !== undefined && stem === nextStem && Number(digits) + 1 === Number(nextDigits);
}
