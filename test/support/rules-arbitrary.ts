import fc from 'fast-check';
import { expect } from 'vitest';
import { createEvaluator, DIAGNOSTICS, loadRules } from '../../shared/falco/engine/index.ts';

/** Words of the format in any arrangement, close enough to rules to get far. */
const scalar = fc.oneof(
  fc.constantFrom(
    'a',
    'm',
    'true',
    'no',
    '~',
    '',
    'append',
    'replace',
    'k8s_audit',
    'syscall',
    'Notice',
    '15',
    '0.1.0',
    'ka.verb',
    'ka.verb = a',
    'm and l',
    'ka.verb in (l)',
    '%ka.verb',
    '%',
    'in',
  ),
  fc.string({ maxLength: 12 }),
);
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('name', 'fields', 'comps', 'values', 'version', 'condition', 'items', 'enabled'), tie('value')),
  ),
})).value;
const key = fc.constantFrom(
  'rule',
  'macro',
  'list',
  'condition',
  'output',
  'desc',
  'priority',
  'source',
  'enabled',
  'items',
  'exceptions',
  'tags',
  'append',
  'override',
  'required_engine_version',
  'required_plugin_versions',
  'other',
);
export const rulesItems = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.dictionary(key, value, { maxKeys: 8 }) }, { weight: 1, arbitrary: value }),
  { maxLength: 6 },
);

export function loadsOrSaysWhy(items: unknown): void {
  const result = loadRules([{ name: 'r', text: JSON.stringify(items) }]);
  expect(result.loads).toBe(result.diagnostics.every(({ level }) => level === 'warning'));
  for (const { code, level, line, column } of result.diagnostics) {
    expect(DIAGNOSTICS[code].level).toBe(level);
    expect(line).toBe(1);
    expect(column).toBeGreaterThan(0);
  }
  createEvaluator(result.rules).evaluate(Buffer.from('{"kind":"Event","auditID":"1","verb":"a","stageTimestamp":"2026-01-02T03:04:05Z"}'));
}
