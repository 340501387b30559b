/**
 * ipseckey's own texts. They repeat words of the file, keys included, as the real ones do, unless the caller
 * shows words in another way.
 * Source: illumos ipseckey.c.
 */

import type { Secret } from '../../model/secret.js';
import type { Note, NoteCode, NoteReport } from '../parse-key-notes.js';

type Words = readonly string[];

const TEXTS: Readonly<Record<NoteCode, (words: Words) => string>> = {
  'end-of-command': ([what = '']) => `Unexpected end of command line, was expecting ${what}.\n`,
  'end-before-state': () => 'Unexpected end of command line was expecting a state.\n',
  'end-before-identity': ([end]) =>
    `Unexpected end of command line - ${end === 'src' ? 'Expecting Src Type' : 'expecting dst type'}.\n`,
  'not-a-number': ([word = '']) => `Expecting a number, not "${word}"!\n`,
  'unknown-extension': ([word = '']) => `Unknown extension field "${word}" \n`,
  'unknown-extension-lookup': ([word = '']) => `Unknown extension field "${word}"\n`,
  'extension-refused': ([word = '']) => `Don't use extension ${word} for add/update.\n`,
  'extension-refused-lookup': ([word = '', command = '']) => `Don't use extension ${word} for '${command}' command.\n`,
  'given-twice': ([what = '']) => `Can only specify single ${what}.${what === 'replay value' ? '' : '\n'}`,
  'spi-zero': () => 'Invalid SPI value "0" .\n',
  'pair-in-update-pair': () => 'pair-spi can not be used with the "update-pair" command.\n',
  'replay-with-manual-keys': () => 'WARNING:  Replay with manual keying considered harmful.\n',
  'unknown-state': ([word = '']) => `Unknown state type "${word}"\n`,
  'counter-mode': ([name = '']) =>
    `Using manual keying with a Counter mode algorithm such as "${name}" may be insecure!\n`,
  'unknown-algorithm': ([kind = '', word = '']) => `Unknown ${kind} algorithm type "${word}"\n`,
  'cipher-with-ah': () => 'Cannot specify encryption with SA type ah.\n',
  'encap-not-udp': () => 'Can only specify udp encapsulation.\n',
  'unknown-address': ([word = '']) => `Unknown address ${word}.`,
  'unknown-end': ([end = '', word = '']) => `Unknown ${end} "${word}"\n`,
  'vague-address': ([end = '', name = '']) => `${end} ${name} is vague, not using.\n`,
  'not-bits': ([word = '']) => `"${word}" is not a bit specifier.\n`,
  'bits-too-big': ([bits = '', digits = '']) => `bit length ${bits} is too big for ${digits}.\n`,
  'bits-truncated': ([digits = '', bits = '']) => `WARNING: Lower bits will be truncated for:\n\t${digits}/${bits}.\n`,
  'not-hex': ([digits = '']) => `string '${digits}' not a hex value.\n`,
  'bad-key': ([which = '']) => `Invalid ${which} key.\n`,
  'key-with-null': () => 'Cannot specify a key with NULL encryption algorithm.\n',
  'reserved-after-key': () => 'Reserved bits need to be specified before key.\n',
  'label-malformed': () => 'Malformed security label\n',
  'unknown-identity': ([word = '']) => `Unknown identity type "${word}"\n`,
  'nat-port-without-encap': () => "Must specify 'encap udp' with any NAT-T port.\n",
  'nat-address-without-encap': () => "Must specify 'encap udp' with any NAT-T address.\n",
  'encap-without-nat': () => 'Must specify NAT-T remote or local address for UDP encapsulation.\n',
  'spi-missing': ([command = '']) => `The SPI value is missing for the association you wish to ${command}.\n`,
  'no-algorithm': () => 'Select at least one algorithm for this add.\n',
  larval: () => 'WARNING: Cannot set LARVAL SA state.\n',
  'tunnel-protocol': ([protocol = '']) => `WARNING: Protocol type ${protocol} not for use with Tunnel-Mode SA.\n`,
  'spi-undefined': ([command = '']) => `Need to define SPI for ${command}.\n`,
  'parameters-missing': ([command = '']) => `Need SA parameters for ${command}.\n`,
  'key-missing': () => 'Must have at least one key for an add.\n',
  'destination-missing': ([command = '']) => `Need destination address for ${command}.\n`,
  'unknown-type': ([word = '']) => `Unknown SA type (${word}).\n`,
  'type-needed': () => 'Must specify a specific SA type.',
  'single-type-needed': () => 'Must specify a single SA type.',
  'save-type-needed': () => 'Must specify a specific SA type for save.\n',
  'flush-arguments': () => 'Too many arguments for flush command',
  'dump-arguments': () => 'Too many arguments for dump command',
  'not-in-file': ([command = '']) => `${command} not appropriate in config file.`,
};

/** How a word of the file, which may be a key, is written. */
export type ShowWord = (word: Secret) => string;

function noteText({ code, values }: Note, show: ShowWord): string {
  return TEXTS[code](values.map((value) => (typeof value === 'string' ? value : show(value))));
}

/** What stands before every complaint about a command of a file. */
export function entryHeader(line: number, command: string): string {
  return `Config file entry near line ${line} caused error(s) or warnings:\n\n${command}\n\n`;
}

export function reportText(report: NoteReport, header: string, show: ShowWord): string {
  return `${header}${report.notes.map((note) => noteText(note, show)).join('')}\n`;
}

export const USAGE = [
  'Usage:\tipseckey [ -nvp ] | cmd [sa_type] [extfield value]*',
  '\tipseckey [ -nvp ] -f infile',
  '\tipseckey [ -nvp ] -s outfile',
  '',
].join('\n');
