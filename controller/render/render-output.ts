/** What a template has written so far: text, placeholders, and the template line each line came from. */

import type { SourcePosition } from '../errors.js';
import type { FilePart } from '../model/managed-file.js';
import type { Placeholder } from './template-helpers.js';
import { TemplateFault } from './template-nodes.js';

/** Larger files than this are a template gone wild, not a policy. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export interface RenderedText {
  readonly parts: readonly FilePart[];
  /** For each line of the output, where in which template its first character was written. */
  readonly origins: readonly SourcePosition[];
}

export class RenderOutput {
  readonly #parts: FilePart[] = [];
  readonly #origins: SourcePosition[] = [];
  #text: string[] = [];
  #characters = 0;
  #atLineStart = true;
  #indent = '';
  /** What goes before the next text though its line has begun. */
  #owed = '';

  /**
   * Runs `write` with `indent` before each line it begins (a partial that stands alone, indented). As in Handlebars that
   * is so for its first line too where what stands before it, a partial without a line end, has begun that line already.
   */
  indented(indent: string, write: () => void): void {
    const outer = { indent: this.#indent, owed: this.#owed };
    this.#indent += indent;
    if (!this.#atLineStart) this.#owed += indent;
    write();
    this.#indent = outer.indent;
    const wroteNothing = this.#owed !== '';
    if (wroteNothing) this.#owed = outer.owed;
  }

  text(text: string, at: SourcePosition): void {
    for (let from = 0; from < text.length;) {
      const newline = text.indexOf('\n', from);
      const end = newline < 0 ? text.length : newline + 1;
      this.#beginLine(at);
      this.#append(text.slice(from, end), at);
      this.#atLineStart = newline >= 0;
      from = end;
    }
  }

  placeholder(placeholder: Placeholder, at: SourcePosition): void {
    this.#beginLine(at);
    this.#atLineStart = false;
    this.#flush();
    this.#parts.push(placeholder.part);
  }

  /** Ends the last line if the template did not: ipsecconf rejects a file without it. */
  finish(at: SourcePosition): RenderedText {
    if (!this.#atLineStart) this.text('\n', at);
    this.#flush();
    return { parts: this.#parts, origins: this.#origins };
  }

  #beginLine(at: SourcePosition): void {
    if (this.#atLineStart) this.#origins.push(at);
    this.#append(this.#atLineStart ? this.#indent : this.#owed, at);
    this.#owed = '';
  }

  #append(text: string, at: SourcePosition): void {
    this.#characters += text.length;
    if (this.#characters > MOST_CHARACTERS) {
      throw new TemplateFault(
        'TEMPLATE_OUTPUT_TOO_LARGE',
        'the file grows past 8 MiB',
        at,
        'look for an {{#each}} inside an {{#each}} over the same list',
      );
    }
    this.#text.push(text);
  }

  #flush(): void {
    if (this.#text.length > 0) this.#parts.push(this.#text.join(''));
    this.#text = [];
  }
}
