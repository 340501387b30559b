// npm run test:matrix: bundles the matrix from TypeScript and runs it. --cells N, --seed S, --cell ID, --only PATTERN, --list.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
// In the checkout, so that the program's files are found from there.
const bundle = join(here, `.bundle-${process.pid}.mjs`);
try {
  await build({
    entryPoints: [join(here, 'main.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    external: ['ssh2', 'node-sqlite3-wasm'],
    banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
  });
  const { main } = await import(pathToFileURL(bundle));
  process.exitCode = await main();
} finally {
  rmSync(bundle, { force: true });
}
