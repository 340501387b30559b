/** Reads which commands a POSIX shell script calls, with their words as written. For our own tidy scripts: no here-documents, no backquotes. */

type Frame = 'group' | 'pattern' | 'clause';

const BEFORE_COMMANDS = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{']);
const AFTER_COMMANDS = new Set(['fi', 'done', '}']);

export interface ScriptCommands {
  readonly commands: readonly (readonly string[])[];
  readonly functions: ReadonlySet<string>;
}

/** @throws Error for what is not read here */
export function commandsOf(script: string): ScriptCommands {
  const reader = new Reader(script);
  if (reader.list(0) !== script.length) throw new Error('the script ends before its end');
  return reader;
}

class Reader implements ScriptCommands {
  readonly commands: string[][] = [];
  readonly functions = new Set<string>();

  constructor(private readonly text: string) {}

  /** From there to the end of the text, or to the bracket that closes a substitution. Returns where. */
  list(from: number): number {
    const frames: Frame[] = [];
    let current: string[] | undefined;
    let at = from;
    for (;;) {
      at = this.#skip(at, /[ \t]|\\\n/y);
      const char = this.text[at];
      if (char === undefined) return at;
      const top = frames.at(-1);
      if (char === '#') at = this.#skip(at, /[^\n]/y);
      else if (/[\n;&|]/.test(char)) {
        if (this.text.startsWith(';;', at) && top === 'clause') frames[frames.length - 1] = 'pattern';
        at += 1;
        current = undefined;
      } else if (char === '(') {
        if (top !== 'pattern') frames.push('group');
        at += 1;
      } else if (char === ')') {
        if (top === undefined) return at;
        if (top === 'pattern') frames[frames.length - 1] = 'clause';
        else if (top === 'group') frames.pop();
        at += 1;
        current = undefined;
      } else if (/[<>]/.test(char)) {
        if (this.text.startsWith('<<', at)) throw new Error('here-documents are not read');
        at = this.#word(this.#skip(this.#skip(at, /[<>&]/y), /[ \t]/y));
      } else {
        const end = this.#word(at);
        const word = this.text.slice(at, end);
        at = end;
        if (/^\d+$/.test(word) && /[<>]/.test(this.text[at] ?? '')) continue;
        if (word === 'esac' && current === undefined) frames.pop();
        else if (top === 'pattern') continue;
        else if (current !== undefined) current.push(word);
        else if (this.text.startsWith('()', at)) {
          this.functions.add(word);
          at += 2;
        } else if (word === 'case') {
          at = this.#skip(this.#word(this.#skip(at, /[ \t]/y)), /[ \t]|in\b/y);
          frames.push('pattern');
        } else if (word === 'for') at = this.#forWords(at);
        else if (!BEFORE_COMMANDS.has(word) && !AFTER_COMMANDS.has(word) && !/^[A-Za-z_]\w*=/.test(word)) {
          current = [word];
          this.commands.push(current);
        }
      }
    }
  }

  #forWords(from: number): number {
    let at = from;
    while (!/[\n;]/.test(this.text[at] ?? '\n')) at = this.#word(this.#skip(at, /[ \t]|\\\n/y));
    return at;
  }

  #skip(from: number, what: RegExp): number {
    let at = from;
    for (;;) {
      what.lastIndex = at;
      const found = what.exec(this.text);
      if (found === null) return at;
      at += found[0].length;
    }
  }

  /** Past one word, its quotes and substitutions included. */
  #word(from: number): number {
    let at = from;
    let quoted = false;
    for (;;) {
      const char = this.text[at];
      if (char === undefined) return at;
      if (!quoted && /[\s;&|()<>]/.test(char)) return at;
      if (char === '\\') at += 2;
      else if (char === '`') throw new Error('backquotes are not read');
      else if (char === "'" && !quoted) at = this.text.indexOf("'", at + 1) + 1;
      else if (char === '$') at = this.#expansion(at);
      else {
        if (char === '"') quoted = !quoted;
        at += 1;
      }
    }
  }

  #expansion(at: number): number {
    if (this.text.startsWith('$((', at)) return this.text.indexOf('))', at) + 2;
    if (this.text.startsWith('$(', at)) return this.list(at + 2) + 1;
    if (!this.text.startsWith('${', at)) return at + 1;
    let depth = 0;
    for (let inner = at + 1; inner < this.text.length; inner++) {
      if (this.text[inner] === "'") inner = this.text.indexOf("'", inner + 1);
      else if (this.text[inner] === '{') depth += 1;
      else if (this.text[inner] === '}' && --depth === 0) return inner + 1;
    }
    throw new Error('an expansion does not end');
  }
}
