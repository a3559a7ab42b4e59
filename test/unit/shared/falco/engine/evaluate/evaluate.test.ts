import { describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../../../../shared/falco/alert.ts';
import { withUuid } from '../../../../../../shared/falco/engine/format/index.ts';
import { alertToJson, createEvaluator, loadRules, type Verdict } from '../../../../../../shared/falco/engine/index.ts';
import { ruleOf } from '../../../../../support/pre-filter-soundness.ts';

const RULES = `
- rule: First
  desc: d
  condition: ka.verb = create
  output: made by %ka.user.name (%ka.user.groups) at %jevt.value["/a=b"] %tolower(ka.uri)
  priority: INFO
  source: k8s_audit
  tags: [zz, Aa]
- rule: Second
  desc: d
  condition: ka.user.name exists
  output: seen
  priority: WARNING
  source: k8s_audit
`;
const rules = loadRules([{ name: 'r', text: RULES }]).rules;
const event = (members: string) => Buffer.from(`{"kind":"Event","auditID":"1",${members},"stageTimestamp":"2026-01-02T03:04:05.000006Z"}`);
const created = event('"verb":"create","user":{"username":"Zo\\u00eb","groups":["a","b"]}');

function alerts(verdict: Verdict): readonly FalcoAlert[] {
  if (verdict.kind !== 'evaluated') throw new Error(verdict.kind);
  return verdict.alerts;
}

describe('evaluation', () => {
  it("writes Falco's line: keys sorted, integers exact, missing values null", () => {
    const [alert] = alerts(createEvaluator(rules, { hostname: 'h' }).evaluate(created));
    expect(alertToJson(alert!)).toBe(
      '{"hostname":"h","output":"03:04:05.000006000: Informational made by Zoë ((a,b)) at <NA> <NA>","output_fields":{"evt.time":1767323045000006000,' +
        '"jevt.value[\\"/a=b\\"]":null,"ka.uri":null,"ka.user.groups":["a","b"],"ka.user.name":"Zoë"},"priority":"Informational","rule":"First",' +
        '"source":"k8s_audit","tags":["Aa","zz"],"time":"2026-01-02T03:04:05.000006000Z"}',
    );
    expect(alertToJson(withUuid(alert!, 'u-1'))).toContain('"time":"2026-01-02T03:04:05.000006000Z","uuid":"u-1"}');
  });

  it('stops at the first rule that fires, or reports all in order', () => {
    const names = (ruleMatching: 'first' | 'all', raw: Buffer) =>
      alerts(createEvaluator(rules, { ruleMatching }).evaluate(raw)).map(({ rule }) => rule);
    expect(names('first', created)).toEqual(['First']);
    expect(names('all', created)).toEqual(['First', 'Second']);
    expect(names('first', event('"verb":"get","user":{"username":"x"}'))).toEqual(['Second']);
  });

  it('tells what was dropped unread from what was rejected', () => {
    const evaluator = createEvaluator(rules);
    expect(evaluator.evaluate(event('"verb":"get"'))).toEqual({ kind: 'dropped' });
    expect(createEvaluator(rules, { preFilter: false }).evaluate(event('"verb":"get"'))).toEqual({ kind: 'evaluated', alerts: [] });
    expect(evaluator.evaluate(Buffer.from('{"kind":"Event"}'))).toEqual({ kind: 'rejected', rejection: { reason: 'timestamp' } });
    expect(evaluator.evaluate(Buffer.from('{"kind":'))).toMatchObject({ kind: 'rejected', rejection: { reason: 'malformed' } });
  });

  it('numbers the events it accepts, from one, and times them from the first', () => {
    const numbered = { ...ruleOf('ka.verb exists'), output: '%evt.num %evt.reltime.s' };
    const evaluator = createEvaluator([numbered]);
    const output = (raw: Buffer) => alerts(evaluator.evaluate(raw))[0]?.output.slice(-5);
    expect(output(event('"verb":"a"'))).toBe('g 1 0');
    evaluator.evaluate(Buffer.from('{}'));
    evaluator.evaluate(event('"x":1'));
    expect(output(Buffer.from('{"auditID":"1","verb":"a","stageTimestamp":"2026-01-02T03:04:09.000006Z"}'))).toBe('g 3 4');
  });

  it('adds what append_output says to the rules it names', () => {
    const appendOutput = [
      { source: 'k8s_audit', tags: ['zz'], extraOutput: 'by %ka.verb', extraFields: [{ name: 'ka.verb', format: '%ka.verb', raw: true }] },
      {
        rule: 'Second',
        tags: [],
        extraFields: [
          { name: 'who', format: '<%ka.user.name>', raw: false },
          { name: 'ka.user.groups', format: '%ka.user.groups', raw: true },
        ],
      },
      { source: 'syscall', tags: [], extraOutput: 'never', extraFields: [] },
    ];
    const made = alerts(createEvaluator(rules, { ruleMatching: 'all', appendOutput, isoTime: true }).evaluate(created));
    expect(made.map(({ output }) => output)).toEqual([
      '2026-01-02T03:04:05.000006000+0000: Informational made by Zoë ((a,b)) at <NA> <NA> by create',
      '2026-01-02T03:04:05.000006000+0000: Warning seen',
    ]);
    expect(made[0]?.output_fields).toMatchObject({ 'ka.verb': 'create', 'evt.time.iso8601': 1767323045000006000n });
    expect(made[1]?.output_fields).toEqual({ 'evt.time.iso8601': 1767323045000006000n, 'ka.user.groups': ['a', 'b'], who: '<Zoë>' });
    expect(() =>
      createEvaluator(rules, { appendOutput: [{ tags: [], extraFields: [{ name: 'x', format: '%foo.bar', raw: false }] }] }),
    ).toThrow('foo.bar');
  });

  it('writes a body anew after one of its strings was read, as Falco does between rules', () => {
    const text = event('"requestObject":{"data":{"k":"\\u003c"},"subjects":[{"kind":"User","name":"\\u003e"}]}');
    const binding = { ...ruleOf('ka.req.binding.subjects exists', 'before'), output: '%ka.req.binding.subjects' };
    const names = { ...ruleOf('ka.req.binding.subjects.user_names exists', 'names') };
    const made = alerts(createEvaluator([binding, names], { ruleMatching: 'all' }).evaluate(text));
    expect(made[0]?.output).toContain('({"kind":"User","name":">"})');
    const alone = alerts(createEvaluator([binding]).evaluate(text));
    expect(alone[0]?.output).toContain('({"kind":"User","name":"\\u003e"})');
  });
});
