/** A strict reader of the XML that we write: elements, attributes, text and the five entities; anything else is refused. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Text within, of children too. */
  readonly text: string;
}

const TAG = /^<(\/?)([A-Za-z_][\w.-]*)((?:\s+[A-Za-z_][\w.-]*="[^"<]*")*)\s*(\/?)>/;
/** https://www.w3.org/TR/xml/#charsets */
const CHARACTERS = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u;

/** The root element. @throws Error with the place where the text is not well-formed */
export function readXml(document: string): XmlElement {
  if (!CHARACTERS.test(document)) throw new Error('a character that XML does not know');
  const text = document.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const { element, end } = readElement(text, 0);
  if (text.slice(end).trim() !== '') throw new Error(`something after the root: ${text.slice(end, end + 40)}`);
  return element;
}

function readElement(all: string, start: number): { readonly element: XmlElement; readonly end: number } {
  const open = tagAt(all, start);
  if (open.closes) throw new Error(`nothing to close at ${all.slice(start, start + 40)}`);
  const { name, attributes } = open;
  const children: XmlElement[] = [];
  let [at, text] = [open.end, ''];
  if (open.isEmpty) return { element: { name, attributes, children, text }, end: at };
  for (;;) {
    const next = all.indexOf('<', at);
    if (next < 0) throw new Error(`${name} is never closed`);
    text += unescaped(all.slice(at, next));
    if (all.startsWith('</', next)) {
      const close = tagAt(all, next);
      if (close.name !== name) throw new Error(`${name} is closed by ${close.name}`);
      return { element: { name, attributes, children, text }, end: close.end };
    }
    const child = readElement(all, next);
    children.push(child.element);
    text += child.element.text;
    at = child.end;
  }
}

function tagAt(all: string, at: number) {
  // A copy of bounded length: the rest of a large document is not copied for each tag.
  const match = TAG.exec(all.slice(at, at + 100_000));
  if (match === null) throw new Error(`no tag at ${all.slice(at, at + 40)}`);
  const [whole, slash, name = '', words = '', empty] = match;
  const pairs = [...words.matchAll(/([\w.-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, unescaped(value)]);
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error(`an attribute twice in ${whole}`);
  const attributes: Readonly<Record<string, string>> = Object.fromEntries(pairs);
  return { name, attributes, closes: slash === '/', isEmpty: empty === '/', end: at + whole.length };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  if (text.includes(']]>')) throw new Error('"]]>" in text');
  return text.replace(/&([^;\s]{0,10};?)/g, (found, word: string) => {
    const character = word.endsWith(';') ? ENTITIES[word.slice(0, -1)] : undefined;
    if (character === undefined) throw new Error(`no entity: ${found}`);
    return character;
  });
}
