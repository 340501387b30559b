// Runs the layer rules and fails when they saw no modules: dependency-cruiser reports success on an empty tree.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const run = (args) =>
  execFileSync('npx', ['--no-install', 'depcruise', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
try {
  process.stdout.write(run(['--config', '.dependency-cruiser.cjs', 'controller', 'bin']));
} catch (error) {
  process.stdout.write(String(error.stdout ?? error));
  process.exit(1);
}
const seen = JSON.parse(
  run(['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'controller']),
).modules.filter((module) => module.source.startsWith('controller/') && module.source.endsWith('.ts')).length;
const there = readdirSync('controller', { recursive: true }).filter((name) => String(name).endsWith('.ts')).length;
if (seen < there) {
  process.stdout.write(`the layer check saw ${seen} of ${there} modules\n`);
  process.exit(1);
}
process.stdout.write(`layers: ${seen} modules seen\n`);
