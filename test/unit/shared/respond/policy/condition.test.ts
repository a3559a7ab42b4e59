import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../../shared/falco/alert.ts';
import { createEvaluator, loadRules } from '../../../../../shared/falco/engine/index.ts';
import { compileCondition } from '../../../../../shared/respond/policy/condition.ts';
import { bindingAlert, cut } from '../../../../support/alerts.ts';

function holds(text: string, fields: Record<string, FieldValue> = {}): boolean {
  const compiled = compileCondition(text);
  if ('problem' in compiled) throw new Error(compiled.problem.message);
  return compiled.condition(bindingAlert(fields));
}
function problem(text: string): string | undefined {
  const compiled = compileCondition(text);
  return 'problem' in compiled ? `${compiled.problem.offset}: ${compiled.problem.message}` : undefined;
}

describe('conditions of policies', () => {
  it.each([
    'ka.verb = create',
    'ka.verb in (create, update) and not ka.user.name startswith "system:"',
    'ka.user.groups intersects (developers, ops)',
    'not ka.user.groups in (developers)',
    'ka.uri glob "/apis/*" and ka.uri contains clusterrolebindings',
    'ka.uri regex "/apis/.*bindings"',
    'ka.target.namespace exists or ka.target.name exists',
    'evt.time > 1795249494747142999',
    'ka.verb != delete',
    'ka.verb = anyof (delete, create)',
    'tiercel.uid endswith bae2',
  ])('%s holds', (text) => {
    expect(holds(text)).toBe(true);
  });

  it.each([
    'ka.verb = delete',
    'ka.user.groups = developers',
    'evt.time < 5',
    'evt.time = many',
    'ka.target.namespace exists',
    'ka.uri regex "apis"',
  ])('%s does not hold', (text) => {
    expect(holds(text)).toBe(false);
  });

  it('never matches by what is missing or cut, not even behind not', () => {
    for (const absent of [null, '', '<NA>', [], cut('admin')]) {
      for (const text of [
        'ka.user.name = admin',
        'ka.user.name != admin',
        'not ka.user.name = admin',
        'not ka.user.name != admin',
        'not (ka.user.name = a and ka.verb = create)',
      ]) {
        expect(holds(text, { 'ka.user.name': absent }), `${text} with ${JSON.stringify(absent)}`).toBe(false);
      }
      // What is decided without it stays decided.
      expect(holds('ka.user.name = admin or ka.verb = create', { 'ka.user.name': absent })).toBe(true);
      expect(holds('not (ka.user.name = admin and ka.verb = delete)', { 'ka.user.name': absent })).toBe(true);
    }
  });

  it('says what it cannot read, and where', () => {
    expect(problem('ka.verb = ')).toMatch(/^\d+: /);
    expect(problem('ka.verb = create and spawned_process')).toBe(
      '21: expected a check such as `ka.verb = create`, got the word spawned_process: policies have no macros',
    );
    expect(problem('tolower(ka.verb) = create')).toContain('is not available in policies');
    expect(problem('ka.verb = val(ka.uri)')).toContain('constants only');
    expect(problem('ka.verb regex "("')).toBeDefined();
  });

  it('agrees with the engine wherever no field is missing', () => {
    const constant = fc.constantFrom('create', 'delete', 'mallory', '/apis/*', 'c', '"sys tem:"');
    const field = fc.constantFrom('ka.verb', 'ka.user.name', 'ka.uri', 'ka.target.resource');
    const check = fc.oneof(
      fc
        .tuple(field, fc.constantFrom('=', '!=', 'contains', 'icontains', 'startswith', 'endswith', 'glob', '<', '>='), constant)
        .map((parts) => parts.join(' ')),
      fc
        .tuple(field, fc.constantFrom('in', 'intersects'), constant, constant)
        .map(([name, operator, a, b]) => `${name} ${operator} (${a}, ${b})`),
      field.map((name) => `${name} exists`),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        check,
        tie('tree').map((t) => `not (${t})`),
        fc.tuple(tie('tree'), fc.constantFrom('and', 'or'), tie('tree')).map(([a, operator, b]) => `(${a}) ${operator} (${b})`),
      ),
    }));
    const event = Buffer.from(
      JSON.stringify({
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        auditID: 'a',
        stage: 'ResponseComplete',
        verb: 'create',
        requestURI: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
        user: { username: 'mallory' },
        objectRef: { resource: 'clusterrolebindings' },
        stageTimestamp: '2026-11-21T08:24:54.747143Z',
      }),
    );
    fc.assert(
      fc.property(tree, (text) => {
        const loaded = loadRules([
          {
            name: 'r',
            text: `- rule: r\n  desc: d\n  condition: ${JSON.stringify(text)}\n  output: o\n  priority: INFO\n  source: k8s_audit\n`,
          },
        ]);
        fc.pre(loaded.loads);
        const verdict = createEvaluator(loaded.rules).evaluate(event);
        expect(holds(text)).toBe(verdict.kind === 'evaluated' && verdict.alerts.length === 1);
      }),
    );
  });
});
