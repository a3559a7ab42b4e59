import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { conditionVerdict } from '../../cli/rules/case.ts';
import { expectRecorded, strayGaps } from './known-gaps.ts';

interface Recorded {
  readonly events: Readonly<Record<string, string>>;
  readonly cases: readonly { readonly event: string; readonly condition: string; readonly expect: string }[];
}

function suite(name: string, { events, cases }: Recorded): void {
  const named = cases.map((one, index) => ({ id: `${name}/${index + 1} ${one.event}: ${one.condition}`, ...one }));
  describe(name, () => {
    it('has no gap without a case', () =>
      expect(
        strayGaps(
          name,
          named.map(({ id }) => id),
        ),
      ).toEqual([]));
    it.each(named)('$event: $condition is $expect', (one) => {
      expectRecorded(one.id, conditionVerdict(one.condition, one.event, events), one.expect);
    });
  });
}

suite('conditions', parse(readFileSync(join(import.meta.dirname, 'cases/conditions.yaml'), 'utf8')) as Recorded);

const shared = resolve(import.meta.dirname, '../../../shared/conformance/filter-cases.json');
// The recordings are not part of the repository: a clone without them says so, and runs the project's own above.
if (existsSync(shared)) suite('conditions recorded beside the project', JSON.parse(readFileSync(shared, 'utf8')) as Recorded);
else it.skip('conditions recorded beside the project', () => expect.unreachable());
