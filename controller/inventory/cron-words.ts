/** The words of a schedule, as crontab(5) has them: what is wrong with them, in a sentence. When they are due is not known here. */

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
  /** Words that some crons know besides: the last day of a month, the second Tuesday. */
  readonly special: RegExp;
}

const NONE = /(?!)/;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const SECOND: Field = { name: 'second', least: 0, most: 59, names: [], special: NONE };

const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [], special: NONE },
  { name: 'hour', least: 0, most: 23, names: [], special: NONE },
  { name: 'day of the month', least: 1, most: 31, names: [], special: /^(L|LW|\d{1,2}W)$/ },
  { name: 'month', least: 1, most: 12, names: MONTHS, special: NONE },
  {
    name: 'day of the week',
    least: 0,
    most: 7,
    names: DAYS,
    special: /^([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#([1-5]|L)$/,
  },
];

const NICKNAMES = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'];

export const CRON_EXAMPLE = "write five fields, such as '*/15 * * * *' for every 15 minutes";

/** What is wrong with the words, or `undefined`. Five fields: minute, hour, day of the month, month, day of the week; seconds may stand before them; or `@hourly`. */
export function cronFault(text: string): string | undefined {
  const words = text.trim().toUpperCase().split(/\s+/);
  const [first = ''] = words;
  if (first.startsWith('@')) {
    const isKnown = words.length === 1 && NICKNAMES.includes(first.toLowerCase());
    return isKnown ? undefined : `it is none of ${NICKNAMES.join(', ')}`;
  }
  const fields = words.length === FIELDS.length + 1 ? [SECOND, ...FIELDS] : FIELDS;
  if (words.length !== fields.length) return `it has ${first === '' ? 0 : words.length} fields, not five`;
  for (const [i, field] of fields.entries()) {
    const fault = (words[i] ?? '').split(',').find((item) => !isItem(item, field));
    if (fault !== undefined) return `"${fault}" is no ${field.name}${range(field)}`;
  }
  return undefined;
}

function range({ least, most, names }: Field): string {
  const [first, last] = [names[0], names.at(-1)];
  return first === undefined || last === undefined
    ? ` (${least} to ${most})`
    : ` (${least} to ${most}, or ${first} to ${last})`;
}

/** `*`, `5`, `1-5`, `MON-FRI`; each but a single value with a step: `*` or `1-30`, then `/10`. */
function isItem(item: string, field: Field): boolean {
  if (field.special.test(item)) return true;
  const [span = '', step, ...more] = item.split('/');
  if (more.length > 0 || (step !== undefined && !isStep(step, field))) return false;
  if (span === '*') return true;
  const [from, to, ...others] = span.split('-').map((word) => valueOf(word, field));
  if (from === undefined || others.length > 0) return false;
  if (!span.includes('-')) return step === undefined;
  // Sunday is 0 and 7: a week may begin on either.
  return to !== undefined && from <= to;
}

/** A step beyond the whole range would be none. */
function isStep(word: string, { least, most, names }: Field): boolean {
  // Sunday is there twice: a week has seven days all the same.
  const values = names.length > 0 ? names.length : most - least + 1;
  return /^[1-9]\d{0,3}$/.test(word) && Number(word) <= values;
}

function valueOf(word: string, { least, most, names }: Field): number | undefined {
  const named = names.indexOf(word);
  if (named >= 0) return named + least;
  const value = /^\d{1,2}$/.test(word) ? Number(word) : undefined;
  return value !== undefined && value >= least && value <= most ? value : undefined;
}
