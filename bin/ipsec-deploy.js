#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/controller/cli/main.js', import.meta.url);
if (existsSync(program)) {
  const { main } = await import(program.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write('ipsec-deploy is not built yet: run `npm run set-up` in its folder\n');
  process.exitCode = 1;
}
