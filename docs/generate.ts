import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { commandLinePage } from './command-line-page.ts';
import { costsPage } from './costs-page.ts';
import { doctorPage } from './doctor-page.ts';
import { readme } from './readme.ts';
import {
  actionsPage,
  alarmsPage,
  diagnosticsPage,
  fieldsPage,
  guardsPage,
  metricsPage,
  policySchemaFile,
  rbacManifest,
  stageSchemaFile,
} from './reference-pages.ts';
import { policyPages } from './respond/pages.ts';
import { rulesPages } from './rules/pages.ts';

const root = resolve(import.meta.dirname, '..');

/** Every generated file, and what makes it. */
const GENERATED: Readonly<Record<string, () => Promise<string> | string>> = {
  'README.md': readme,
  'docs/operate/alarms.md': alarmsPage,
  'docs/operate/costs.md': costsPage,
  'docs/reference/actions.md': actionsPage,
  'docs/reference/command-line.md': commandLinePage,
  'docs/reference/diagnostics.md': diagnosticsPage,
  'docs/reference/doctor.md': doctorPage,
  'docs/reference/fields.md': fieldsPage,
  'docs/reference/guards.md': guardsPage,
  'docs/reference/metrics.md': metricsPage,
  'docs/reference/policy.schema.json': policySchemaFile,
  'docs/reference/stage.schema.json': stageSchemaFile,
  'infra/kubernetes/respond-rbac.yaml': rbacManifest,
  ...Object.fromEntries([...(await policyPages(join(root, 'rules/respond')))].map(([name, text]) => [`docs/respond/${name}`, () => text])),
  ...Object.fromEntries([...rulesPages(join(root, 'rules/falco'))].map(([name, text]) => [`docs/rules/${name}`, () => text])),
};

const check = process.argv.includes('--check');
const stale: string[] = [];

for (const [file, generate] of Object.entries(GENERATED)) {
  const path = join(root, file);
  const text = await generate();
  if (text === current(path)) continue;
  stale.push(file);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (check && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run \`npm run docs\` and commit what it writes.`);
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? `${Object.keys(GENERATED).length} generated files are current.` : `Written: ${stale.join(', ')}`);
}

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
