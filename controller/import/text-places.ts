/** Lines and columns of a text to offsets. */

/** Lines and columns count from 1, columns in characters as the parsers count them. */
export function textPlaces(text: string): { offset(line: number, column: number): number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return {
    offset: (line, column) => {
      const start = starts[line - 1] ?? 0;
      let left = column - 1;
      let at = start;
      for (const char of text.slice(start, starts[line] ?? text.length)) {
        if (left-- <= 0) break;
        at += char.length;
      }
      return at;
    },
  };
}
