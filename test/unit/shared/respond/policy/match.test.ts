import { describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../../../shared/falco/alert.ts';
import { actionCatalogue, loadPolicies } from '../../../../../shared/respond/index.ts';
import { matches } from '../../../../../shared/respond/policy/match.ts';
import { bindingAlert, shellAlert } from '../../../../support/alerts.ts';

/** Whether a policy with this `match` speaks of an alert: by default of a Warning of rule `r` with tags `a` and `b` from cluster prod-1. */
function speaks(match: string, alert: Partial<FalcoAlert> = {}, fields: FalcoAlert['output_fields'] = {}): boolean {
  const text = `- {policy: p, description: d, match: {${match}}, actions: [{action: delete-binding}]}\n`;
  const [policy] = loadPolicies([{ path: 'p.yaml', text }], actionCatalogue).policies;
  return matches(policy!, bindingAlert(fields, { rule: 'r', tags: ['a', 'b'], ...alert }));
}

describe('a policy speaks of an alert', () => {
  it.each([
    ['one of its rules', 'rules: [q, r]', 'rules: [q]'],
    ['its source', 'source: k8s_audit', 'source: syscall'],
    ['its priority', 'priority: Warning', 'priority: Error'],
    ['a lower priority than the alert has', 'priority: Debug', 'priority: Emergency'],
    ['all of its tags', 'tags: [a, b]', 'tags: [a, c]'],
    ['one of its clusters', 'clusters: [other, prod-1]', 'clusters: [other]'],
    ['its condition', 'condition: ka.verb = create', 'condition: ka.verb = delete'],
  ])('by %s', (_, does, doesNot) => {
    expect(speaks(does)).toBe(true);
    expect(speaks(doesNot)).toBe(false);
  });

  const everything = 'rules: [r], source: k8s_audit, priority: Warning, tags: [a], clusters: [prod-1], condition: ka.verb = create';
  it('only when all of it holds', () => {
    expect(speaks(everything)).toBe(true);
    expect(speaks(everything, { rule: 'q' })).toBe(false);
    expect(speaks(everything, { source: 'aws_cloudtrail' })).toBe(false);
    expect(speaks(everything, { priority: 'Notice' })).toBe(false);
    expect(speaks(everything, { tags: ['b'] })).toBe(false);
    expect(speaks(everything, {}, { 'ka.cluster.name': 'prod-2' })).toBe(false);
    expect(speaks(everything, {}, { 'ka.verb': 'get' })).toBe(false);
  });

  it('not by what the alert does not say', () => {
    const { tags: _, ...untagged } = bindingAlert({}, { rule: 'r' });
    expect(speaks('tags: [a]', { ...untagged, tags: undefined } as never)).toBe(false);
    expect(speaks('clusters: [prod-1]', {}, { 'ka.cluster.name': null })).toBe(false);
  });

  it('also where it names no source', () => {
    expect(speaks('rules: [r]')).toBe(true);
    expect(speaks('rules: [r]', shellAlert({}, { rule: 'r' }))).toBe(true);
  });
});
