/** Text to a template that renders that very text, with slots where keys go. Owns what Handlebars would read into plain text. */

/** A stretch of the text that an expression writes instead; `from` and `to` count UTF-16 units, `to` excluded. */
export interface Slot {
  readonly from: number;
  readonly to: number;
  /** What stands between the braces: `keys.[psk:db1--web1].key`. */
  readonly expression: string;
}

/**
 * The template; slots do not overlap. Line ends as DOS writes them become `{{cr}}`, because a template file may be saved
 * with either. The text must be free of what `unwritable` names.
 */
export function literalTemplate(text: string, slots: readonly Slot[]): string {
  const out = new TemplateText();
  let at = 0;
  for (const { from, to, expression } of slots.toSorted((a, b) => a.from - b.from)) {
    if (from < at) throw new Error('two slots overlap');
    out.literal(text.slice(at, from));
    out.mustache(expression);
    at = to;
  }
  out.literal(text.slice(at));
  return out.finish();
}

/** Writes one character at a time, since what may stand as it is depends on both neighbours. */
class TemplateText {
  readonly #done: string[] = [];
  /** The last character, until it is known what follows it. */
  #held = '';
  #afterMustache = false;

  literal(text: string): void {
    for (const char of text.replaceAll('\r\n', '\r')) {
      if (char === '\r') {
        this.mustache('cr');
        this.#put('\n');
      } else if (char === '{' && this.#held === '{') {
        this.#held = '';
        this.#raw('line "{"');
        this.#put(char);
      } else if (char === '}' && this.#afterMustache) this.mustache('line "}"');
      else this.#put(char);
    }
  }

  mustache(expression: string): void {
    const held = this.#held;
    this.#held = '';
    if (held === '{') this.#raw('line "{"');
    else this.#done.push(held);
    this.#raw(expression);
  }

  finish(): string {
    return this.#done.join('') + this.#held;
  }

  #put(char: string): void {
    this.#done.push(this.#held);
    this.#held = char;
    this.#afterMustache = false;
  }

  #raw(expression: string): void {
    // Before an expression a backslash means: no expression. One more takes that meaning away and goes.
    if (this.#lastIs('\\')) this.#done.push('\\');
    this.#done.push(`{{${expression}}}`);
    this.#afterMustache = true;
  }

  /** Pieces are single characters or expressions; an empty one says nothing. */
  #lastIs(char: string): boolean {
    const last = this.#done.at(-1);
    return (last === '' ? this.#done.at(-2) : last) === char;
  }
}
