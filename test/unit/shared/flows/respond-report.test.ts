import { describe, expect, it } from 'vitest';
import type { ItemOutcome } from '../../../../shared/flows/respond.ts';
import { measureEntry, measureOutcomes } from '../../../../shared/flows/respond-report.ts';
import type { Entry } from '../../../../shared/respond/index.ts';

const STARTED = Date.parse('2026-11-21T10:00:00Z');

function entry(changes: Partial<Entry>): Entry {
  const alert = {
    rule: 'r',
    output: '',
    output_fields: { 'ka.cluster.name': 'a' },
    priority: 'Error',
    source: 'k8s_audit',
    time: '2026-11-21T09:59:58.000000000Z',
  } as const;
  const base = {
    id: 'x',
    status: 'planned',
    guards: [],
    steps: [],
    alert,
    updatedAtMs: STARTED + 10,
    createdAtMs: STARTED,
  } as unknown as Entry;
  return { ...base, ...changes };
}

function measured(measure: (meter: { record: (name: string, value: number, by?: string) => void }) => void) {
  const readings: [string, number, string | undefined][] = [];
  measure({ record: (name, value, by) => readings.push([name, value, by]) });
  return readings;
}

const alertOf = (entries: readonly Entry[], duplicate = false): ItemOutcome => ({
  kind: 'answered',
  item: { kind: 'alert', alert: entry({}).alert, via: { kind: 'invoke' } },
  duplicate,
  entries,
});

describe('what is measured of respond', () => {
  it('reads the delay from the happening to the last effect, of what was done now', () => {
    const steps = [{ atMs: STARTED + 400 }, { atMs: STARTED + 900 }] as unknown as Entry['steps'];
    const done = entry({ status: 'done', steps });
    expect(measured((meter) => measureOutcomes([alertOf([done])], STARTED, meter))).toEqual([
      ['AlertsReceived', 1, 'a'],
      ['Responses', 1, 'done'],
      ['DetectionToAction', 2900, undefined],
    ]);
  });

  it('counts a decision once, however many rules join it later', () => {
    const before = entry({ status: 'done', updatedAtMs: STARTED - 1 });
    expect(measured((meter) => measureOutcomes([alertOf([before])], STARTED, meter))).toEqual([['AlertsReceived', 1, 'a']]);
    expect(measured((meter) => measureOutcomes([alertOf([], true)], STARTED, meter))).toEqual([['AlertsDuplicate', 1, undefined]]);
  });

  it.each([
    [
      'the guards that refused',
      [
        ['signed', 'refuse'],
        ['fresh', 'pass'],
        ['within-budget', 'unknown'],
      ],
      ['signed'],
    ],
    [
      'a spent budget',
      [
        ['fresh', 'pass'],
        ['within-budget', 'refuse'],
      ],
      ['within-budget'],
    ],
    [
      'what was not known, where that is what refused',
      [
        ['same-object', 'unknown'],
        ['within-budget', 'unknown'],
      ],
      ['same-object'],
    ],
  ])('names %s', (_, answers, expected) => {
    const guards = answers.map(([guard, verdict]) => ({ guard, verdict, reason: '' })) as unknown as Entry['guards'];
    const readings = measured((meter) => measureEntry(entry({ status: 'refused', guards }), STARTED, meter));
    expect(readings).toEqual([['Responses', 1, 'refused'], ...expected.map((guard) => ['Refusals', 1, guard])]);
  });

  it('counts a call of our own, an impostor, a failure and a rejection apart', () => {
    const item = { kind: 'alert', alert: entry({}).alert, via: { kind: 'invoke' } } as const;
    const outcomes: ItemOutcome[] = [
      { kind: 'own', item },
      { kind: 'impostor', item, why: '' },
      { kind: 'failed', item, error: new Error('x') },
      { kind: 'rejected', item: { kind: 'rejected', via: { kind: 'invoke' }, reason: '' } },
    ];
    expect(measured((meter) => measureOutcomes(outcomes, STARTED, meter)).map(([name]) => name)).toEqual([
      'OwnCalls',
      'ImpostorCalls',
      'AlertsFailed',
      'AlertsRejected',
    ]);
  });
});
