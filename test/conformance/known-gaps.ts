import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';

interface Group {
  readonly reason: string;
  readonly cases: readonly string[];
}

const { gaps } = parse(readFileSync(join(import.meta.dirname, 'known-gaps.yml'), 'utf8')) as { gaps: readonly Group[] };
const REASONS = new Map(gaps.flatMap(({ reason, cases }) => cases.map((id) => [id, reason] as const)));

/** Compares a verdict with the recorded one; a known gap must not hold. */
export function expectRecorded(id: string, got: unknown, recorded: unknown): void {
  const reason = REASONS.get(id);
  if (reason === undefined) expect(got).toEqual(recorded);
  else expect(got, `${id} holds now: take it off known-gaps.yml (${reason})`).not.toEqual(recorded);
}

/** Gaps of a suite that name no case of it: misspelt, or the case is gone. */
export function strayGaps(suite: string, ids: readonly string[]): readonly string[] {
  return [...REASONS.keys()].filter((id) => id.startsWith(`${suite}/`) && !ids.includes(id));
}
