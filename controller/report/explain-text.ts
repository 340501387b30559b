/** An explanation on one screen: the verdict, then each way with the rules of both ends and what carries it. */

import { formatAddress } from '../model/address.js';
import { keyLabel, type KeyPart } from '../model/managed-file.js';
import type { ExplainedKeys, ExplainedPart, ExplainedRule, ExplainedWay, Explanation } from '../proof/explain-flow.js';
import { placeText } from '../proof/host-picture.js';
import type { ExplainVerdict } from '../proof/explain-verdict.js';
import { plain, printable, type Paint } from './paint.js';
import { KIND_COLOUR } from './way-words.js';

export interface ExplainTextInput {
  readonly from: string;
  readonly to: string;
  /** `tcp/5432`; left out: all traffic. */
  readonly flow: string | undefined;
  readonly explanation: Explanation;
  readonly verdict: ExplainVerdict;
  readonly notes: readonly string[];
  /** Rules that were passed over are listed too. */
  readonly why: boolean;
  /** Fingerprint of a stored key by its name. */
  readonly fingerprintOf: (name: string) => string | undefined;
  readonly paint?: Paint;
}

export function explainText(input: ExplainTextInput): string {
  const { from, to, flow, explanation, verdict, notes, paint = plain } = input;
  const subject = `${from} → ${to}${flow === undefined ? '' : ` ${flow}`}`;
  const colour = verdict.kind === 'mixed' ? 'cyan' : KIND_COLOUR[verdict.kind];
  const lines = [`${paint('bold', printable(subject))}: ${paint(colour, verdict.text)}`];
  for (const [word, ways] of [
    ['there', explanation.there],
    ['back', explanation.back],
  ] as const) {
    for (const { way, others } of distinct(ways, input)) lines.push('', ...wayLines(word, way, others, input));
  }
  for (const note of notes) lines.push('', `${paint('yellow', 'note')}: ${printable(note)}`);
  return `${lines.join('\n')}\n`;
}

/** Pairs of addresses that go the same way are shown once. */
function distinct(
  ways: readonly ExplainedWay[],
  input: ExplainTextInput,
): readonly { readonly way: ExplainedWay; readonly others: number }[] {
  const groups = new Map<string, { readonly way: ExplainedWay; others: number }>();
  for (const way of ways) {
    const key = way.sums.map(({ kind, traffic }) => `${kind} ${traffic}`).join('\n');
    const known = groups.get(key);
    if (known === undefined || input.why) groups.set(input.why ? `${key} ${groups.size}` : key, { way, others: 0 });
    else known.others++;
  }
  return [...groups.values()];
}

function wayLines(word: string, way: ExplainedWay, more: number, input: ExplainTextInput): readonly string[] {
  const { paint = plain, flow } = input;
  const alike = more === 0 ? '' : `, and ${more} more ${more === 1 ? 'pair' : 'pairs'} of addresses alike`;
  const ends = `${endText(way.from, way.source)} → ${endText(way.to, way.destination)}`;
  const lines = [`${paint('bold', word.padEnd(6))}${printable(ends)}${alike}`];
  const [main, ...others] = way.sums;
  if (main === undefined) return lines;
  const alone = flow !== undefined && others.length === 0;
  lines.push(`  ${paint(KIND_COLOUR[main.kind], main.kind)}${alone ? '' : ` ${printable(main.traffic)}`}`);
  const first = way.parts.find(({ kind }) => kind === main.kind);
  if (first !== undefined) lines.push(...partLines(first, input));
  for (const { kind, traffic } of others) lines.push(`  but ${paint(KIND_COLOUR[kind], kind)} ${printable(traffic)}`);
  if (!input.why) return lines;
  for (const part of way.parts) if (part !== first) lines.push(...exceptionLines(part, input));
  return lines;
}

/** An exception in short: its traffic, and the rules that make it one. */
function exceptionLines(part: ExplainedPart, input: ExplainTextInput): readonly string[] {
  const briefly = { ...input, why: false };
  return [
    `  ${part.kind} ${printable(part.traffic)}`,
    ...ruleLines('sends by', part.sender, 'leaves in the clear', briefly),
    ...ruleLines('takes by', part.receiver, 'takes it in the clear only', briefly),
    ...(part.fault === undefined ? [] : [field('because', printable(part.fault.what))]),
  ];
}

function endText(name: string, address: ExplainedWay['source']): string {
  const text = formatAddress(address);
  return name === text ? text : `${name} ${text}`;
}

const COLUMN = 14;

function field(label: string, text: string): string {
  return `    ${label.padEnd(COLUMN)}${text}`;
}

function partLines(part: ExplainedPart, input: ExplainTextInput): readonly string[] {
  const lines = ruleLines('sends by', part.sender, 'leaves in the clear', input);
  if (part.protections.length > 0) lines.push(field('protection', part.protections.join(' or ')));
  if (part.keys !== undefined) lines.push(...keyLines(part.keys, input));
  lines.push(...ruleLines('takes by', part.receiver, 'takes it in the clear only', input));
  const { fault } = part;
  if (fault !== undefined)
    lines.push(
      field(fault.severity === 'error' ? 'because' : 'mind', printable(fault.what)),
      field('', printable(`to change it: ${fault.todo}`)),
    );
  else if (part.kind === 'refused') lines.push(field('because', 'a rule drops it'));
  if (part.doubtful) lines.push(field('in doubt', 'alternatives of a rule hang on what the kernel has loaded before'));
  return lines;
}

/** The rule with its lines, or that there is none. */
function ruleLines(
  label: string,
  rule: ExplainedRule,
  none: string,
  { why, paint = plain }: ExplainTextInput,
): string[] {
  const lines =
    rule.text === undefined
      ? [field(label, `no rule of ${printable(rule.host)}: ${none}`)]
      : [field(label, printable(rule.text))];
  if (rule.place !== undefined) lines.push(field('', paint('dim', printable(placeText(rule.place)))));
  if (why) lines.push(...passedOverLines(rule, paint));
  return lines;
}

/** Rules told one by one before the rest is counted. */
const MOST_PASSED_OVER = 8;

function passedOverLines({ passedOver }: ExplainedRule, paint: Paint): readonly string[] {
  const near = passedOver.filter(({ because }) => because !== 'remote address');
  const shown = near.slice(0, MOST_PASSED_OVER);
  const lines = shown.map(({ rule, because }) =>
    field('', paint('dim', `not ${printable(rule.text)}: another ${because}`)),
  );
  const others = passedOver.length - near.length;
  const rest = near.length - shown.length;
  if (rest > 0) lines.push(field('', paint('dim', `nor ${rest} more`)));
  if (others > 0) lines.push(field('', paint('dim', `nor ${others} for another remote address`)));
  return lines;
}

function keyLines(keys: ExplainedKeys, { fingerprintOf }: ExplainTextInput): readonly string[] {
  const named = (name: string): string => {
    const fingerprint = fingerprintOf(name);
    return `${storedKeyLabel(name)}${fingerprint === undefined ? '' : ` ${fingerprint.slice(0, 8)}…`}`;
  };
  if (keys.kind === 'manual')
    return keys.sas.flatMap(({ text, keys: names }) => [
      field('manual SA', text),
      ...(names.length === 0 ? [] : [field('', printable(names.map(named).join(', ')))]),
    ]);
  const [mine, theirs] = keys.labels;
  const labels = mine === theirs ? `"${mine}" on both ends` : `"${mine}" and, there, "${theirs}"`;
  return [
    field('IKE rule', printable(labels)),
    field('phase 1', printable(keys.phase1)),
    ...(keys.psk === undefined ? [] : [field('key', printable(named(keys.psk)))]),
  ];
}

const PARTS: readonly KeyPart[] = ['psk', 'encr', 'auth'];

/** `psk ID` as the proof names a key to what people read; a key that is spelt out goes by its fingerprint. */
function storedKeyLabel(name: string): string {
  const space = name.indexOf(' ');
  const part = PARTS.find((one) => one === name.slice(0, space));
  if (part === undefined || space < 0) return `key ${name.slice(0, 8)}…`;
  return keyLabel(name.slice(space + 1), part);
}
