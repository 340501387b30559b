/**
 * The lines of an ssh_config(5) file: keyword, words, place. Pure. Written here because the parser on npm knows no line
 * numbers, and runs what `Match exec` says.
 */

export interface ConfigLine {
  /** In lower case: keywords are the same in any. */
  readonly keyword: string;
  readonly words: readonly string[];
  /** `file:line`. */
  readonly where: string;
}

/** Comments and empty lines are gone; a line with an open quote keeps what it has. */
export function parseConfigLines(text: string, file: string): readonly ConfigLine[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index): ConfigLine[] => {
      const match = /^\s*([A-Za-z]\w*)(?:\s*=\s*|\s+|$)(.*)$/.exec(line);
      const keyword = match?.[1]?.toLowerCase();
      if (keyword === undefined) return [];
      return [{ keyword, words: wordsOf(match?.[2] ?? ''), where: `${file}:${index + 1}` }];
    });
}

/** Blanks part words; double quotes keep them together; `#` begins a comment (openssh misc.c, argv_split). */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    const next = text.charAt(i + 1);
    if (character === '\\' && (next === '"' || next === '\\')) {
      word = (word ?? '') + next;
      i += 1;
    } else if (character === '"') {
      quoted = !quoted;
      word ??= '';
    } else if (!quoted && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (!quoted && character === '#' && word === undefined) {
      break;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
