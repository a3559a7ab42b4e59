// npx node .ci/stages.mjs OUT: packages every stage of test/stages, which are as unusual as stages of users get, and looks for what the linters do
// not find (test/support/template-faults.ts). The templates are OUT/<stage>.json, for the linters. Functions are not bundled: their code is
// the same in every stage, and packaged by the steps before.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { deployment } from '../infra/stage/deployment.ts';
import { FIXED_RESOURCES, madeResources } from '../infra/stage/limits.ts';
import { readStage } from '../infra/stage/read.ts';
import { templateFaults } from '../test/support/template-faults.ts';

const root = resolve(import.meta.dirname, '..');
const stages = join(root, 'test/stages');
const out = resolve(process.argv[2] ?? '.cache/stages');

const unbundled = [
  [/^plugins: .*$/m, 'plugins: []'],
  [/^ {2}esbuild: .*$/m, ''],
  [/^package: .*$/m, 'package: { artifact: empty.zip }'],
];

/** A copy of what the framework reads, with the unusual stages. */
function makeTree(tree) {
  mkdirSync(tree, { recursive: true });
  for (const part of ['package.json', 'infra', 'functions', 'rules']) cpSync(join(root, part), join(tree, part), { recursive: true });
  cpSync(stages, join(tree, 'infra/stages'), { recursive: true });
  for (const part of ['node_modules', 'shared']) symlinkSync(join(root, part), join(tree, part));
  const text = readFileSync(join(root, 'serverless.yml'), 'utf8');
  for (const [line] of unbundled) if (!line.test(text)) throw new Error(`serverless.yml has no line ${line} any more.`);
  writeFileSync(
    join(tree, 'serverless.yml'),
    unbundled.reduce((whole, [line, other]) => whole.replace(line, other), text),
  );
  writeFileSync(join(tree, 'empty.zip'), Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]));
}

async function packaged(stage, tree) {
  const folder = join(tree, `package-${stage}`);
  await promisify(execFile)(process.execPath, ['node_modules/osls/bin/serverless.js', 'package', '--stage', stage, '--package', folder], {
    cwd: tree,
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: out, AWS_EC2_METADATA_DISABLED: 'true' },
  });
  const template = readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8');
  writeFileSync(join(out, `${stage}.json`), template);
  return JSON.parse(template);
}

let broken = 0;
async function judge(stage, tree) {
  try {
    const template = await packaged(stage, tree);
    const count = Object.keys(template.Resources).length;
    const fixed = count - madeResources(deployment(readStage(stage, stages)));
    const faults = templateFaults(template);
    if (fixed > FIXED_RESOURCES) faults.push(`${fixed} resources whatever the stage says: raise FIXED_RESOURCES in infra/stage/limits.ts`);
    for (const fault of faults) console.error(`${stage}: ${fault}`);
    console.log(`${stage}: ${count} resources, ${fixed} of them in every stage, ${faults.length} faults`);
    broken += faults.length;
  } catch (error) {
    console.error(`${stage}: ${error.stdout ?? ''}${error.stderr ?? error}`);
    broken++;
  }
}

rmSync(out, { recursive: true, force: true });
const names = readdirSync(stages).map((file) => basename(file, '.yml'));
// Two at a time, each in a tree of its own, because the framework works in one folder of it.
const worker = async (tree) => {
  makeTree(tree);
  for (let stage = names.shift(); stage !== undefined; stage = names.shift()) await judge(stage, tree);
};
await Promise.all(['one', 'two'].map((name) => worker(join(out, 'trees', name))));
process.exit(broken > 0 ? 1 : 0);
