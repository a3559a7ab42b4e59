import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../../../cli/checks/run.ts';
import { deployedStage } from '../../../../cli/checks/stage.ts';
import { outcomeOf, reportAsJson, reportAsText } from '../../../../cli/doctor/report.ts';
import { readStage } from '../../../../infra/stage/read.ts';

const stage = deployedStage(readStage('dev'));
const well: CheckResult = { check: 'tables', subject: 'tiercel-dev-journal', verdict: 'ok', note: 'active' };
const faulty: CheckResult = {
  check: 'audit-logging',
  subject: 'development',
  verdict: 'fault',
  expected: 'log type audit switched on',
  came: 'it is off',
  fix: 'aws eks update-cluster-config',
};
const forbidden: CheckResult = {
  check: 'mode',
  subject: 'tiercel-dev-respond',
  verdict: 'unknown',
  why: 'not authorized',
  fix: 'Allow dynamodb:GetItem',
};
const away: CheckResult = { check: 'webhook', subject: 'https://falco', verdict: 'unchecked', why: 'not reachable from here' };
const report = (...results: CheckResult[]) => ({
  stage,
  caller: 'arn:aws:sts::111111111111:assumed-role/Reader/carol',
  results,
  seconds: 1.25,
});

describe('what doctor says', () => {
  it.each([
    ['well', [well, away]],
    ['unknown', [well, forbidden]],
    ['faults', [forbidden, faulty]],
  ])('comes down to: %s', (outcome, results) => {
    expect(outcomeOf(results)).toBe(outcome);
  });

  it('is a row for everything, and for what is not well what to do', () => {
    const text = reportAsText(report(well, faulty, forbidden, away), { write: () => {} });
    expect(text).toBe(`Stage dev in eu-central-1, account 111111111111, asked as arn:aws:sts::111111111111:assumed-role/Reader/carol

  ok         tables         tiercel-dev-journal  active
  FAULT      audit-logging  development          expected log type audit switched on
  unknown    mode           tiercel-dev-respond  see below
  unchecked  webhook        https://falco        see below

audit-logging: development
  expected  log type audit switched on
  came      it is off
  do        aws eks update-cluster-config

mode: tiercel-dev-respond
  why       not authorized
  do        Allow dynamodb:GetItem

webhook: https://falco
  why       not reachable from here

1 fault: 1 well, 1 could not be asked, 1 cannot be seen from here. 1.3 s
`);
  });

  it('puts together what has one remedy', () => {
    const text = reportAsText(report(faulty, forbidden, { ...faulty, subject: 'other' }), { write: () => {} });
    expect(text).toContain(`audit-logging: development
  expected  log type audit switched on
  came      it is off
audit-logging: other
  expected  log type audit switched on
  came      it is off
  do        aws eks update-cluster-config

mode: tiercel-dev-respond`);
  });

  it('is one JSON document with the same', () => {
    expect(JSON.parse(reportAsJson(report(well, faulty)))).toEqual({
      stage: 'dev',
      account: '111111111111',
      region: 'eu-central-1',
      caller: 'arn:aws:sts::111111111111:assumed-role/Reader/carol',
      outcome: 'faults',
      counts: { ok: 1, fault: 1, unknown: 0, unchecked: 0 },
      seconds: 1.25,
      results: [well, faulty],
    });
  });

  it('is short when all is well', () => {
    expect(reportAsText(report(well), { write: () => {} })).toMatch(/\n\nall is well: 1 well\. 1\.3 s\n$/);
  });
});
