import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradeTests } from '../../../../cli/rules/test-grade.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tiercel-grade-'));
  const rule =
    '- rule: A\n  desc: d\n  condition: ka.verb = create and ka.stage = Panic\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n';
  await writeFile(join(folder, 'a.yaml'), rule);
  await writeFile(
    join(folder, 'a.test.yaml'),
    'cases:\n  - {name: y, event: {verb: create, stage: Panic}, expect: A}\n  - {name: n, event: {verb: get, stage: Panic}, expect: none}\n',
  );
});

afterAll(() => rm(folder, { recursive: true }));

describe('grading tests', () => {
  it('measures nothing unless asked', async () => {
    expect(await gradeTests([folder], {})).toEqual({ ok: true, text: '', measured: {} });
  });

  it('says which outcome no case decides, and fails under a threshold', async () => {
    const { ok, text } = await gradeTests([folder], { failUnder: 80 });
    expect(text.split('\n')).toEqual([
      "  rule 'A': no case depends on this being false: ka.stage = Panic",
      'outcomes decided by a case: 3 of 4 (75.0 %)',
      'outcomes decided by a case: under the 80 % asked for',
      '',
    ]);
    expect(ok).toBe(false);
    expect((await gradeTests([folder], { coverage: true, failUnder: 75 })).ok).toBe(true);
  });

  it('says which faults no case notices', async () => {
    const { ok, text, measured } = await gradeTests([folder], { mutate: true, failUnder: 60 });
    expect(text).toContain("  rule 'A': no case notices it without: ka.stage = Panic\nfaults noticed by a case: 4 of 5 (80.0 %)");
    expect([ok, measured.mutations?.caught, measured.coverage]).toEqual([true, 4, undefined]);
  });
});
