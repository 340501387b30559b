/** getopt(3C) of System V: options end at the first word that is none, `--` ends them as well. */

export interface Options {
  /** In the order given; a flag has no value. */
  readonly options: readonly { readonly letter: string; readonly value: string | undefined }[];
  readonly operands: readonly string[];
  /** The first letter that is not an option, or lacks its value. */
  readonly bad: { readonly letter: string; readonly lacksValue: boolean } | undefined;
}

/** `letters` as for getopt: `nf:` is the flag -n and the option -f with a value. */
export function readOptions(args: readonly string[], letters: string): Options {
  const options: { letter: string; value: string | undefined }[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return { options, operands: args.slice(at + 1), bad: undefined };
    if (!arg.startsWith('-') || arg === '-') break;
    for (let i = 1; i < arg.length; i++) {
      const letter = arg.charAt(i);
      const place = letter === ':' ? -1 : letters.indexOf(letter);
      if (place < 0) return { options, operands: args.slice(at), bad: { letter, lacksValue: false } };
      if (letters[place + 1] !== ':') {
        options.push({ letter, value: undefined });
        continue;
      }
      const attached = arg.slice(i + 1);
      const value = attached === '' ? args[++at] : attached;
      if (value === undefined) return { options, operands: [], bad: { letter, lacksValue: true } };
      options.push({ letter, value });
      break;
    }
  }
  return { options, operands: args.slice(at), bad: undefined };
}
