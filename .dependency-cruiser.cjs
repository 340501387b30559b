// The layers of docs/layout: a folder may import from itself and from what stands above it in this list.
const LAYERS = ['model', 'inventory', 'policy', 'keys', 'platform', 'render', 'proof', 'import', 'plan', 'drift', 'report', 'run'];
const EDGES = 'remote|vault|files|log|lab|notify|history|web';
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { path: from }, to });
const home = (library, path) =>
  forbid(`${library}-has-one-home`, `${library} belongs to ${path}; take a value or an interface from there.`, `^controller/(?!${path})`, {
    path: `^node_modules/${library}/`,
  });

module.exports = {
  forbidden: [
    ...LAYERS.map((layer, i) =>
      forbid(`${layer}-imports-upward`, 'A layer knows only what stands above it. Move the code down, or pass the value in.', `^controller/${layer}/`, {
        path: `^controller/(${[...LAYERS.slice(i + 1), EDGES, 'disk', 'cli'].join('|')})/`,
      }),
    ),
    forbid('edges-stay-apart', 'Edges meet only in cli/context.ts. Take an interface from ports.ts instead.', `^controller/(${EDGES})/`, {
      path: `^controller/(run|cli|${EDGES})/`,
      pathNot: '^controller/$1/',
    }),
    forbid('only-edges-touch-the-world', 'Only edges and cli/ use Node modules; crypto (digests) and util are pure enough.', `^controller/(${LAYERS.join('|')})/`, {
      dependencyTypes: ['core'],
      pathNot: '^(node:)?(crypto|util)$',
    }),
    forbid('disk-knows-nobody', 'What edges share of the disk is for any of them: it knows errors and itself.', '^controller/disk/', {
      path: '^controller/(?!disk/|errors\\.ts)',
    }),
    forbid('ssh2-has-one-home', 'Connections belong to remote/ssh.ts; the lab is the other end of them.', '^controller/(?!remote/ssh|lab/)', { path: '^node_modules/(@types/)?ssh2/' }),
    home('yargs', 'cli/'),
    home('handlebars', 'render/'),
    home('p-queue', 'run/'),
    home('winston', 'log/'),
    home('diff', '(plan|report)/'),
    home('yaml', 'inventory/'),
    home('zod', '(inventory|plan)/'),
    home('age-encryption', 'vault/'),
    home('nodemailer', 'notify/'),
    home('croner', 'inventory/cron-times'),
    home('prom-client', 'web/'),
    home('node-sqlite3-wasm', 'history/'),
    forbid('bin-starts-cli', 'bin/ holds no code of its own.', '^bin/', { pathNot: '^((dist/)?controller/cli/main|(node:)?fs$)' }),
    forbid('product-needs-no-test', 'Product code stands without test/.', '^(controller|bin)/', { path: '^test/' }),
    { name: 'no-circles', comment: 'Two modules that need each other are one, or lack a third.', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
