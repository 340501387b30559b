// The program's own code for a benchmark: one file bundled from TypeScript, taken away again once it is loaded.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** Exports of `test/bench/NAME.ts`. */
export async function bundled(name) {
  // Beside the tests' own support, which looks for the templates from there.
  const bundle = join(here, '..', 'support', `${name}-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(here, `${name}.ts`)],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      external: ['ssh2'],
      banner: {
        js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
      },
    });
    return await import(pathToFileURL(bundle));
  } finally {
    rmSync(bundle, { force: true });
  }
}

/** What `work` answers, and the seconds of processor time that it took, those of other threads of the process among them. */
export function measured(work) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
}
