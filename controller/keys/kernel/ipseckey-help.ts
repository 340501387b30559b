/** What `ipseckey help` prints: the commands, one command, or the SA attributes. Source: illumos ipseckey.c (dohelp). */

const COMMANDS = [
  'Commands',
  '--------',
  '?, help  - Display this list',
  'help <cmd> - Display help for command',
  'help attr  - Display possible SA attributes',
  'quit, exit - Exit the program',
  'monitor - Monitor all PF_KEY reply messages.',
  'pmonitor, passive_monitor - Monitor PF_KEY messages that',
  '                            reply to all PF_KEY sockets.',
  '',
  'The following commands are of the form:',
  '    <command> {SA type} {attribute value}*',
  '',
  'add (interactive only) - Add a new security association (SA)',
  'update (interactive only) - Update an existing SA',
  'update-pair (interactive only) - Update an existing SA pair',
  'delete - Delete an SA',
  'delete-pair - Delete an SA pair',
  'get - Display an SA',
  'flush - Delete all SAs',
  'dump - Display all SAs',
  'save - Saves all SAs to a file',
];

function withTypes(first: string, verb: string): string[] {
  return [
    first,
    '',
    'Optional arguments:',
    `all        ${verb} all SAs`,
    `esp        ${verb} just ESP SAs`,
    `ah         ${verb} just AH SAs`,
    `<number>   ${verb} just SAs with type given by number`,
    '',
  ];
}

const PASSIVE_MONITOR = [
  'pmonitor, passive_monitor - Monitor PF_KEY messages that',
  '                            reply to all PF_KEY sockets.',
];
const QUIT = ['quit, exit - Exit the program'];
const HELP = [
  'help\t    - Display list of commands',
  'help <cmd> - Display help for command',
  'help attr  - Display possible SA attributes',
];

const TOPICS: ReadonlyMap<string, readonly string[]> = new Map([
  ['update', ['update\t - Update an existing SA']],
  ['update-pair', ["update-pair - Update an existing pair of SA's"]],
  ['add', ['add\t - Add a new security association (SA)']],
  ['delete', ['delete - Delete an SA']],
  ['delete-pair', ["delete-pair - Delete a pair of SA's"]],
  ['get', ['get - Display an SA']],
  ['flush', withTypes('flush - Delete all SAs', 'delete')],
  ['dump', withTypes('dump - Display all SAs', 'display')],
  ['monitor', ['monitor - Monitor all PF_KEY reply messages.']],
  ['pmonitor', PASSIVE_MONITOR],
  ['passive_monitor', PASSIVE_MONITOR],
  ['quit', QUIT],
  ['exit', QUIT],
  ['save', ['save\t    - Saves all SAs to a file']],
  ['help', HELP],
  ['?', HELP],
]);

// prettier-ignore
const ATTRIBUTES = [
  'spi', 'pair-spi', 'replay', 'state', 'auth_alg', 'authalg', 'encr_alg', 'encralg', 'flags', 'soft_alloc',
  'soft_bytes', 'soft_addtime', 'soft_usetime', 'hard_alloc', 'hard_bytes', 'hard_addtime', 'hard_usetime',
  'current_alloc', 'current_bytes', 'current_addtime', 'current_usetime', 'saddr', 'srcaddr', 'src', 'daddr',
  'dstaddr', 'dst', 'proxyaddr', 'proxy', 'innersrc', 'isrc', 'innerdst', 'idst', 'sport', 'dport', 'innersport',
  'isport', 'innerdport', 'idport', 'proto', 'ulp', 'iproto', 'iulp', 'saddr6', 'srcaddr6', 'src6', 'daddr6',
  'dstaddr6', 'dst6', 'proxyaddr6', 'proxy6', 'innersrc6', 'isrc6', 'innerdst6', 'idst6', 'authkey', 'encrkey',
  'srcidtype', 'dstidtype', 'dpd', 'sens_level', 'sens_map', 'integ_level', 'integ_map', 'nat_loc', 'nat_rem',
  'nat_lport', 'nat_rport', 'encap', 'outbound', 'inbound', 'reserved_bits', 'replay_value', 'idle_addtime',
  'idle_usetime', 'label', 'outer-label', 'implicit-label',
];

/** Three to a line, cut to fifteen letters. */
function attributesText(): string {
  const cells = ATTRIBUTES.map((name, i) => `${i % 3 === 0 ? '\n' : ''}    ${name.slice(0, 15).padEnd(15)}`);
  return `\nSA attributes:\n${cells.join('')}\n`;
}

export function helpText(topic: string | undefined): string {
  if (topic === 'attr') return attributesText();
  const lines = topic === undefined ? COMMANDS : (TOPICS.get(topic) ?? [`${topic}: Unknown command`]);
  return `${lines.join('\n')}\n`;
}
