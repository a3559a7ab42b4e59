import { describe, expect, it } from 'vitest';
import { measureCoverage, runMutations, type TesterFiles } from '../../../../../../shared/falco/engine/tester/index.ts';

/** A file system in a record. */
function filesOf(contents: Readonly<Record<string, string>>): TesterFiles {
  return {
    read: (path) => (path in contents ? Promise.resolve(contents[path]!) : Promise.reject(new Error(`no file ${path}`))),
    list: () => Promise.resolve(Object.keys(contents)),
    join: (_folder, name) => name,
    folderOf: () => '.',
    nameOf: (path) => path,
  };
}

const rule = (name: string, condition: string, more = ''): string =>
  `- rule: ${name}\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n${more}`;
const cases = (...lines: readonly string[]): string => `cases:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const fires = (event: string, name = 'A', more = ''): string => `{name: "${event}", event: {${event}}, expect: ${name}${more}}`;
const silent = (event: string): string => fires(event, 'none');

async function coverage(rules: string, test: string) {
  const { outcomes, decided, undecided } = await measureCoverage(['a.test.yaml'], filesOf({ 'a.yaml': rules, 'a.test.yaml': test }));
  return {
    share: `${decided}/${outcomes}`,
    undecided: undecided.map(({ where, check, undecided }) => `${where}: ${check}: ${undecided.join(',')}`),
  };
}

async function mutations(rules: string, test: string) {
  const { mutants, caught, survivors } = await runMutations(['a.test.yaml'], filesOf({ 'a.yaml': rules, 'a.test.yaml': test }));
  return { share: `${caught}/${mutants}`, survivors: survivors.map(({ where, change }) => `${where} ${change}`) };
}

const CREATE = 'verb: create, stage: ResponseComplete';
const AND = rule('A', 'ka.verb = create and ka.stage = ResponseComplete');

describe('coverage', () => {
  it('is whole when each check has decided both ways', async () => {
    const test = cases(fires(CREATE), silent('verb: get'), silent('verb: create, stage: Panic'));
    expect(await coverage(AND, test)).toEqual({ share: '4/4', undecided: [] });
  });

  it('does not count a check that was evaluated, but on which nothing hung', async () => {
    const both = cases(fires(CREATE), silent('verb: get, stage: Panic'));
    expect(await coverage(AND, both)).toEqual({
      share: '2/4',
      undecided: ["rule 'A': ka.verb = create: false", "rule 'A': ka.stage = ResponseComplete: false"],
    });
  });

  it('wants each branch of an or alone', async () => {
    const or = rule('A', 'ka.verb = create or ka.verb = update');
    expect((await coverage(or, cases(fires('verb: create'), silent('verb: get')))).undecided).toEqual(["rule 'A': ka.verb = update: true"]);
  });

  it('looks into exceptions', async () => {
    const excepted = rule(
      'A',
      'ka.verb = create',
      '  exceptions:\n    - {name: x, fields: [ka.user.name, ka.stage], values: [[bob, Panic]]}\n',
    );
    const test = cases(fires(CREATE), silent('verb: get'), silent('verb: create, stage: Panic, user: {username: bob}'));
    expect((await coverage(excepted, test)).undecided).toEqual([
      "rule 'A': ka.user.name = bob: false",
      "rule 'A': ka.stage = Panic: false",
    ]);
  });

  it('counts a macro once, decided by any rule that uses it', async () => {
    const macro = `- macro: made\n  condition: ka.verb = create\n${rule('A', 'made')}${rule('B', 'made and ka.stage = Panic')}`;
    const test = cases(fires('verb: create'), fires('verb: create, stage: Panic', '[A, B]'), silent('verb: get'));
    expect(await coverage(macro, test)).toEqual({ share: '4/4', undecided: [] });
  });

  it('asks only the rules that count, and no case with a todo', async () => {
    const two = `${rule('A', 'ka.verb = create')}${rule('B', 'ka.verb = create')}`;
    const only = `only: [A]\n${cases(fires('verb: create'), silent('verb: get'))}`;
    expect((await coverage(two, only)).undecided).toEqual(["rule 'B': ka.verb = create: true,false"]);
    const todo = cases(fires('verb: create'), '{name: n, todo: later, event: {verb: get}, expect: A}');
    expect((await coverage(rule('A', 'ka.verb = create'), todo)).undecided).toEqual(["rule 'A': ka.verb = create: false"]);
  });
});

describe('mutations', () => {
  it('are all caught by tests that decide everything', async () => {
    const test = cases(fires(CREATE), silent('verb: get'), silent('verb: create, stage: Panic'));
    expect(await mutations(AND, test)).toEqual({ share: '5/5', survivors: [] });
  });

  it('survive where no case looks', async () => {
    expect((await mutations(AND, cases(fires(CREATE), silent('verb: get, stage: Panic')))).survivors).toEqual([
      "rule 'A' without: ka.verb = create",
      "rule 'A' without: ka.stage = ResponseComplete",
      "rule 'A' with its 'and' exchanged: ka.verb = create | ka.stage = ResponseComplete",
    ]);
  });

  it('reach macros and nots', async () => {
    const rules = `- macro: seen\n  condition: (ka.stage = Panic)\n${rule('A', 'ka.verb exists and not seen')}`;
    const { survivors } = await mutations(rules, cases(fires('verb: get')));
    expect(survivors).toEqual([
      "rule 'A' without: ka.verb exists",
      "rule 'A' without: not seen",
      "rule 'A' with its 'and' exchanged: ka.verb exists | not seen",
    ]);
    expect((await mutations(rules, cases(fires('verb: get'), silent('verb: get, stage: Panic')))).survivors).toEqual([
      "rule 'A' without: ka.verb exists",
    ]);
  });

  it('are not tried on tests that fail', async () => {
    await expect(mutations(AND, cases(fires('verb: get')))).rejects.toThrow("a case about 'A' does not hold");
  });
});
