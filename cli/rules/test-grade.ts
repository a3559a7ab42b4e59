import { type Coverage, type MutationReport, measureCoverage, runMutations } from '../../shared/falco/engine/tester/index.ts';
import { testerFiles, testPaths } from './files.ts';

/** What is asked of the tests beyond that they hold. */
export interface Thresholds {
  readonly coverage?: true;
  readonly mutate?: true;
  /** Percent. */
  readonly failUnder?: number;
}

export interface Grade {
  readonly ok: boolean;
  /** For a person: what is missing, then the figures. */
  readonly text: string;
  /** For a program. */
  readonly measured: { readonly coverage?: Coverage; readonly mutations?: MutationReport };
}

/** Measures how well test files that hold test their rules. */
export async function gradeTests(paths: readonly string[], { coverage, mutate, failUnder }: Thresholds): Promise<Grade> {
  const covers = coverage ?? (failUnder !== undefined && !mutate);
  if (!covers && !mutate) return { ok: true, text: '', measured: {} };
  const files: string[] = [];
  for await (const path of testPaths(paths)) files.push(path);
  const covered = covers ? await measureCoverage(files, testerFiles) : undefined;
  const mutated = mutate ? await runMutations(files, testerFiles) : undefined;
  const figures: Figure[] = [];
  const lines: string[] = [];
  if (covered) {
    for (const { where, check, undecided } of covered.undecided) {
      lines.push(`  ${where}: no case depends on this being ${undecided.join(' or ')}: ${shortened(check)}`);
    }
    figures.push({ title: 'outcomes decided by a case', count: covered.decided, of: covered.outcomes });
  }
  if (mutated) {
    for (const { where, change } of mutated.survivors) lines.push(`  ${where}: no case notices it ${shortened(change)}`);
    figures.push({ title: 'faults noticed by a case', count: mutated.caught, of: mutated.mutants });
  }
  const low = figures.filter((figure) => failUnder !== undefined && percent(figure) < failUnder);
  return {
    ok: low.length === 0,
    text: `${[...lines, ...figures.map(shown), ...low.map(({ title }) => `${title}: under the ${failUnder} % asked for`)].join('\n')}\n`,
    measured: { ...(covered && { coverage: covered }), ...(mutated && { mutations: mutated }) },
  };
}

interface Figure {
  readonly title: string;
  readonly count: number;
  readonly of: number;
}

function percent({ count, of }: Figure): number {
  return of === 0 ? 100 : (100 * count) / of;
}

function shown(figure: Figure): string {
  return `${figure.title}: ${figure.count} of ${figure.of} (${percent(figure).toFixed(1)} %)`;
}

/** Lists can be long; their beginning says which they are. */
function shortened(text: string): string {
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
