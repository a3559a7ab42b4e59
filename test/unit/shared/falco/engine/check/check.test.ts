import { describe, expect, it } from 'vitest';
import { checkCondition } from '../../../../../../shared/falco/engine/check/index.ts';
import { treeOf } from '../../../../../support/engine.ts';

const problems = (condition: string) => checkCondition(treeOf(condition));
const codes = (condition: string) => problems(condition).map(({ code, unknownFilter }) => (unknownFilter ? `${code} unknown` : code));

describe('checks', () => {
  it('tell an unknown field from a wrong argument', () => {
    for (const condition of [
      'foo.bar = 1',
      'evt.type = x',
      'ka.user.names = a',
      'ka.user.name = val(ka.nope)',
      'evt.num[1] = 1',
      'ka.verbose exists',
      'tolower(foo.bar) = x',
    ]) {
      expect(codes(condition), condition).toEqual(['LOAD_ERR_COMPILE_CONDITION unknown']);
    }
    for (const condition of [
      'ka.uri.param exists',
      'ka.uri.parameter exists',
      'ka.user.name[x] = a',
      'jevt.value["/a b"] exists',
      'ka.req.pod.containers.image[01] exists',
      'ka.req.pod.containers.image[99999999999999999999] exists',
    ]) {
      expect(codes(condition), condition).toEqual(['LOAD_ERR_COMPILE_CONDITION']);
    }
  });

  it('stop at the first error, with its place', () => {
    const [problem, ...more] = problems('ka.verb = x and foo.bar = 1 and evt.nope exists');
    expect(more).toEqual([]);
    expect(problem).toMatchObject({
      level: 'error',
      span: { start: 16, end: 27 },
      message: 'there is no field foo.bar in the source k8s_audit',
    });
  });

  it('hold constants to 255 bytes', () => {
    expect(codes(`ka.verb = ${'x'.repeat(255)}`)).toEqual([]);
    expect(codes(`ka.verb = ${'x'.repeat(256)}`)).toEqual(['LOAD_ERR_COMPILE_CONDITION']);
    expect(codes(`ka.verb in (a, ${'é'.repeat(128)})`)).toEqual(['LOAD_ERR_COMPILE_CONDITION']);
  });

  it('warn about <NA>, once', () => {
    expect(codes('ka.verb = <NA>')).toEqual(['LOAD_UNSAFE_NA_CHECK']);
    expect(codes('not jevt.value[/a] in (x, <NA>) or ka.verb != <NA>')).toEqual(['LOAD_UNSAFE_NA_CHECK']);
    expect(codes('json.value[/a] = <NA> or ka.verb contains <NA> or tolower(ka.verb) = <NA>')).toEqual([]);
  });

  it('warn about constants that look like something else', () => {
    expect(codes('ka.verb = ka.stage')).toEqual(['LOAD_COMPILE_CONDITION']);
    expect(codes('ka.user.name = jevt.value[/user/username]')).toEqual(['LOAD_COMPILE_CONDITION']);
    expect(codes("ka.verb = 'tolower(ka.verb)'")).toEqual(['LOAD_COMPILE_CONDITION']);
    expect(codes('ka.verb = ka.stages')).toEqual([]);
    for (const simple of ['abc', '^abc$', '.*abc', 'abc.*', '.*abc.+'])
      expect(codes(`ka.verb regex '${simple}'`), simple).toEqual(['LOAD_COMPILE_CONDITION']);
    for (const needed of ['a.c', 'a|b', '[a]b', '.*a.*b']) expect(codes(`ka.verb regex '${needed}'`), needed).toEqual([]);
  });
});
