import { describe, expect, it } from 'vitest';
import { fromByteString, toByteString } from '../../../../../../shared/falco/engine/bytes.ts';
import { compileOutput } from '../../../../../../shared/falco/engine/format/index.ts';
import { eventOf } from '../../../../../support/engine.ts';

const event = eventOf({ verb: 'create', user: { username: 'Zoë', groups: ['a', 'b'] }, requestURI: '/x?p=v', empty: '', list: ['', 'b'] });

function print(format: string): string {
  const compiled = compileOutput(toByteString(format));
  if ('problem' in compiled) throw new Error(compiled.problem.message);
  return fromByteString(compiled.output.text(event));
}

function problemOf(format: string) {
  const compiled = compileOutput(toByteString(format));
  return 'problem' in compiled ? compiled.problem : undefined;
}

describe('outputs', () => {
  it.each([
    ['plain', 'plain'],
    ['u=%ka.user.name.', 'u=Zoë.'],
    ['%ka.user.nameX', 'ZoëX'],
    ['%ka.user.name[', 'Zoë['],
    ['%ka.uri.param %ka.user.groups[x', '/x?p=v.param (a,b)[x'],
    ['%ka.verb%ka.verb', 'createcreate'],
    ['%ka.uri.param[p] %ka.uri.param[q]', 'v <NA>'],
    ['%jevt.value["/user/username"]', 'Zoë'],
    ['%ka.user.groups', '(a,b)'],
    ['%toupper(ka.verb)|%len(ka.user.groups)', 'CREATE|2'],
    ['%tolower(ka.verb', null],
    ['%10ka.verb|%3ka.verb|%0ka.verb', 'create    |cre|create'],
    ['%4ka.user.name|', 'Zoë|'],
    ['%3ka.user.name|', 'Zo\ufffd|'],
    ['%evt.num %evt.is_async %evt.rawtime.ns %evt.rawtime.s', '1 false 000006000 1767323045'],
    ['%evt.time %evt.datetime.s', '03:04:05.000006000 2026-01-02 03:04:05'],
    ['%ka.target.name %tolower(ka.target.name)', '<NA> <NA>'],
    ['*%ka.verb', '*create'],
  ])('%s', (format, text) => {
    if (text === null) expect(problemOf(format)).toMatchObject({ unknownFilter: true, offset: 0 });
    else expect(print(format)).toBe(text);
  });

  it('tells what Falco calls an unknown filter from what it does not forgive', () => {
    for (const format of ['100%% x', '%(ka.verb)', 'a %foo.bar', '% ka.verb', '%concat(ka.verb)']) {
      expect(problemOf(format), format).toMatchObject({ unknownFilter: true });
    }
    expect(problemOf('100%')).toMatchObject({ unknownFilter: false, offset: 3 });
    expect(problemOf('a%12')).toMatchObject({ unknownFilter: false, offset: 1 });
  });

  it('names fields, those inside transformers too, and quotes arguments where Falco does', () => {
    const compiled = compileOutput('%concat(ka.verb, jevt.value["/a=b"]) %jevt.value[/a] %ka.verb %jevt.value[""]');
    if ('problem' in compiled) throw new Error(compiled.problem.message);
    expect([...compiled.output.fields.keys()]).toEqual(['ka.verb', 'jevt.value["/a=b"]', 'jevt.value[/a]', 'jevt.value[]']);
  });

  it('cuts lists at the size of the buffer Falco prints them through', () => {
    const many = eventOf({ user: { groups: Array.from({ length: 300 }, (_, i) => `group-${i}`) } });
    const compiled = compileOutput('%ka.user.groups');
    if ('problem' in compiled) throw new Error(compiled.problem.message);
    const text = compiled.output.text(many);
    expect(text.length).toBe(1023);
    expect(text.startsWith('(group-0,group-1,')).toBe(true);
    const first = eventOf({ user: { groups: ['', 'b', ''] } });
    expect(compiled.output.text(first)).toBe('(b,)');
  });

  it('does not take for ever over a format, nor make texts without end', () => {
    for (const format of ['%'.padEnd(1 << 18, 'a.'), `%${'tolower('.repeat(50_000)}`, `%ka.verb[${'x'.repeat(4000)} `.repeat(500)]) {
      const started = performance.now();
      compileOutput(format);
      expect(performance.now() - started).toBeLessThan(5000);
    }
    const huge = eventOf({ requestURI: 'x'.repeat(200_000) });
    const compiled = compileOutput('%ka.uri'.repeat(200));
    expect('output' in compiled && compiled.output.text(huge).length).toBe(4 * 1024 * 1024);
    expect(print('%999999999ka.verb').length).toBe(4096);
  });
});
