import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type LoadedRule, loadRules } from '../../shared/falco/engine/index.ts';

interface RuleSource {
  readonly attack: readonly string[];
  readonly threat_matrix?: readonly string[];
  readonly stratus?: readonly string[];
  readonly guardduty?: readonly string[];
}

interface Mapping {
  readonly rules: Readonly<Record<string, RuleSource>>;
  readonly attack_types: Readonly<Record<string, { readonly rule?: string; readonly why_none?: string; readonly below_notice?: string }>>;
  readonly techniques: readonly { readonly id: number; readonly name: string; readonly rules: readonly string[]; readonly why?: string }[];
}

type Upstream = readonly { readonly name: string; readonly rules: readonly string[]; readonly why?: string }[];

const GENERATED = '<!-- Generated from rules/falco; change it there. A test fails when this page is stale and says how to renew it. -->';

/** The pages about the rule pack in a folder (rules/falco), by file name. */
export function rulesPages(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder)
    .filter((name) => /(?<!\.test)\.yaml$/.test(name))
    .sort();
  const { defined } = loadRules(names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })));
  const mapping = parse(readFileSync(join(folder, 'mapping/mapping.yaml'), 'utf8')) as Mapping;
  const upstream = parse(readFileSync(join(folder, 'mapping/upstream.yaml'), 'utf8')) as Upstream;
  return new Map([
    ['rules.md', catalogue(names, folder, defined, mapping)],
    ['coverage.md', coverage(mapping)],
    ['from-the-shipped-rules.md', fromUpstream(upstream)],
  ]);
}

function catalogue(names: readonly string[], folder: string, defined: readonly LoadedRule[], mapping: Mapping): string {
  const topics = names.map((name) => {
    const rules = defined.filter(({ place }) => place.file === name);
    return [`## ${title(name)}`, headOf(readFileSync(join(folder, name), 'utf8')), ...rules.map((rule) => entry(rule, mapping))].join(
      '\n\n',
    );
  });
  return page(
    'The rules',
    `${defined.length} rules in ${names.length} files. How they are tuned: [tuning.md](tuning.md). What each is for: [coverage.md](coverage.md).`,
    ...topics,
  );
}

function entry({ name, priority, description }: LoadedRule, mapping: Mapping): string {
  const { attack, threat_matrix: matrix = [], stratus = [], guardduty = [] } = mapping.rules[name] ?? { attack: [] };
  const facts = [
    attack.map((id) => `[${id}](https://attack.mitre.org/techniques/${id.replace('.', '/')}/)`).join(', '),
    matrix.length > 0 ? `Threat Matrix: ${matrix.join(', ')}` : '',
    stratus.length > 0 ? `Stratus: ${stratus.map(code).join(', ')}` : '',
    guardduty.length > 0 ? `GuardDuty: ${guardduty.map(code).join(', ')}` : '',
  ].filter((fact) => fact !== '');
  return `### ${name}\n\n**${priority}** · ${facts.join(' · ')}\n\n${description.trim()}`;
}

function coverage({ techniques, attack_types: types, rules }: Mapping): string {
  const tactics = Object.groupBy(
    Object.entries(rules).flatMap(([name, { attack }]) => attack.map((id) => ({ id, name }))),
    ({ id }) => id,
  );
  return page(
    'What the rules cover',
    'Three views of [mapping.yaml](../../rules/falco/mapping/mapping.yaml). Rules whose name begins with _Signal_ are input for correlation at DEBUG, not alerts.',
    '## By technique',
    table(
      ['#', 'technique', 'rules', 'remark'],
      techniques.map(({ id, name, rules: meant, why = '' }) => [String(id), name, meant.join('; '), why]),
    ),
    '## By recorded attack',
    'Each type of attack was made against a real API server under an audit policy like that of EKS. A test holds the rules to this table.',
    table(
      ['attack', 'rule', 'remark'],
      Object.entries(types).map(([type, { rule = '–', why_none, below_notice }]) => [code(type), rule, why_none ?? below_notice ?? '']),
    ),
    '## By ATT&CK technique',
    table(
      ['ATT&CK', 'rules'],
      Object.keys(tactics)
        .sort()
        .map((id) => [id, tactics[id]!.map(({ name }) => name).join('; ')]),
    ),
  );
}

function fromUpstream(upstream: Upstream): string {
  return page(
    "From the rules shipped with Falco's k8saudit plugin",
    `Where each of its ${upstream.length} rules (0.18.0) went. This pack shares no condition with it; load one or the other.`,
    table(
      ['shipped rule', 'here', 'what is different'],
      upstream.map(({ name, rules, why = '' }) => [name, rules.length > 0 ? rules.join('; ') : 'none', why]),
    ),
  );
}

function page(heading: string, ...parts: readonly string[]): string {
  return `${[`# ${heading}`, GENERATED, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** `20-rbac-bindings.yaml` → `20 rbac bindings`. */
function title(file: string): string {
  return file.replace(/\.yaml$/, '').replaceAll('-', ' ');
}

/** The comment a rules file begins with. */
function headOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^# ?/, ''))
    .join('\n');
}
