import { describe, expect, it } from 'vitest';
import { eventOf, verdictOf } from '../../../../../support/engine.ts';

const event = eventOf({
  verb: 'create',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/shop/pods?dryRun=All',
  user: { username: 'Zoë', groups: ['ops', 'system:authenticated'] },
  responseStatus: { code: 201 },
  userAgent: 'kubectl/v1.30',
  b64: 'aGVsbG8=',
  nul: 'YQBi',
  argv: ['-n', 'x', '-vt', 'y', '--long', '-q', 'rest'],
  list: ['', 'b'],
});

function expectAll(expected: 'match' | 'no-match' | 'load-error', conditions: readonly string[]): void {
  for (const condition of conditions) expect(verdictOf(condition, event), condition).toBe(expected);
}

describe('operators', () => {
  it('compare strings bytewise', () => {
    expectAll('match', ['ka.verb = create', 'ka.verb == create', 'ka.verb != creat', 'ka.verb contains rea', 'ka.verb icontains REA']);
    expectAll('match', ['ka.verb startswith ""', 'ka.verb endswith ate', 'ka.response.code > 1000', 'ka.response.code <= 201']);
    expectAll('match', ["ka.user.name glob '????'", "ka.user.name regex '...'", 'ka.user.name iglob zO*', 'ka.verb iglob CREATE']);
    expectAll('no-match', ['ka.verb = Create', 'ka.user.name icontains "ZOË"', 'ka.response.code = 201.0', "ka.user.name glob '???'"]);
  });

  it('are all false for a missing value, and not turns that over', () => {
    for (const check of [
      '= x',
      '!= x',
      'in (x)',
      'intersects (x)',
      'contains ""',
      'glob *',
      "regex '.*'",
      'pmatch (/)',
      '< 5',
      '!= anyof (a)',
      'exists',
    ]) {
      expectAll('no-match', [`ka.target.name ${check}`]);
      expectAll('match', [`not ka.target.name ${check}`]);
    }
  });

  it('ask every element with in and some with intersects', () => {
    expectAll('match', [
      'ka.user.groups in (ops, system:authenticated)',
      'ka.user.groups intersects (ops)',
      'ka.verb in create',
      'ka.verb intersects (create)',
    ]);
    expectAll('no-match', [
      'ka.user.groups in (ops)',
      'ka.user.groups intersects (op)',
      'ka.verb in ()',
      'ka.user.groups in ()',
      'ka.user.groups intersects ()',
    ]);
    expectAll('load-error', [
      'ka.user.groups = ops',
      'ka.user.groups contains o',
      "ka.user.groups regex '.*'",
      'ka.user.groups = anyof (ops)',
    ]);
  });

  it('combine constants with modifiers', () => {
    expectAll('match', [
      'ka.verb contains oneof (cre, zzz)',
      'ka.verb contains anyof (zzz, ate)',
      'ka.verb contains allof (cre, ate)',
      'ka.verb != anyof (create, x)',
    ]);
    expectAll('no-match', [
      'ka.verb = oneof (create, create)',
      'ka.verb contains oneof (cre, ate)',
      'ka.verb = allof ()',
      'ka.verb != allof (create, x)',
    ]);
    expectAll('match', ["ka.verb regex allof (c.*, '.*e')", 'ka.verb glob anyof (c*, d*)', 'evt.num = anyof (1, 2)']);
  });

  it('find path prefixes by component', () => {
    expectAll('match', [
      'ka.uri pmatch (/api/v1)',
      'ka.uri pmatch (api)',
      'ka.uri pmatch (/)',
      'ka.uri pmatch (/api/*/namespaces)',
      'ka.uri pmatch (/zz/*, /api/v*)',
    ]);
    expectAll('match', [
      'ka.uri pmatch (/api/x*, /api/*)',
      'ka.uri pmatch (//api//v1//)',
      'ka.verb pmatch (create)',
      'ka.uri pmatch (/api/v1/x, /api)',
    ]);
    expectAll('no-match', [
      'ka.uri pmatch (/api/v)',
      'ka.uri pmatch (/api/v1/namespaces/shop/pods)',
      'ka.uri pmatch (/api/v1/*/x)',
      'ka.verb pmatch (/create/x)',
    ]);
    // Several globs of a level match, and the first of them fails further down.
    expectAll('match', ['ka.uri pmatch (/a*/zz, /*/v1)']);
  });

  it('know numbers and booleans', () => {
    expectAll('match', [
      'evt.num = 01',
      'evt.num in (1, 2)',
      'evt.num < 18446744073709551615',
      'evt.num != -1',
      'evt.rawtime.s = 1767323045',
      'evt.is_async = false',
    ]);
    expectAll('match', [
      'evt.rawtime = 1767323045000006000',
      'evt.rawtime.ns = 6000',
      'evt.num = "+1"',
      "evt.num = ' 1'",
      'evt.is_async in (false)',
    ]);
    expectAll('load-error', [
      'evt.num = 1.0',
      'evt.num >= 0x1',
      'evt.num = ""',
      'evt.num contains 1',
      'evt.is_async = 0',
      'evt.is_async > 0',
      'evt.num = "1 "',
    ]);
    expectAll('match', ['evt.num < 99999999999999999999999999999999999']);
  });

  it('compare with other fields', () => {
    expectAll('match', [
      'ka.verb = val(ka.verb)',
      'ka.verb in val(ka.verb)',
      'ka.user.groups in val(ka.user.groups)',
      'ka.verb glob val(ka.verb)',
    ]);
    expectAll('no-match', ['ka.verb = val(ka.target.name)', 'ka.target.name != val(ka.verb)', 'ka.verb = val(ka.stage)']);
    expectAll('load-error', [
      'ka.verb regex val(ka.verb)',
      'ka.verb pmatch val(ka.verb)',
      'evt.num = val(ka.verb)',
      'ka.user.groups in val(ka.verb)',
    ]);
  });
});

describe('transformers', () => {
  it('change one value', () => {
    expectAll('match', [
      'toupper(ka.verb) = CREATE',
      'tolower(ka.user.name) = "zoë"',
      'basename(ka.useragent) = v1.30',
      'b64(jevt.value[/b64]) = hello',
    ]);
    expectAll('match', [
      'len(ka.user.name) = 4',
      'len(ka.user.groups) = 2',
      'len(tolower(ka.verb)) in (6)',
      'tolower(basename(ka.useragent)) startswith v1',
    ]);
    expectAll('no-match', ['b64(ka.uri) exists', 'len(ka.target.name) = 0', 'tolower(ka.target.name) exists']);
    expectAll('load-error', [
      'tolower(evt.num) exists',
      'len(evt.num) exists',
      'tolower(ka.verb)[0] = c',
      'tolower(ka.verb, ka.verb) = x',
      'len(len(ka.verb)) = 1',
    ]);
  });

  it('keep the terminator in lists and on the right-hand side', () => {
    expectAll('no-match', [
      'toupper(ka.user.groups) intersects (OPS)',
      'ka.verb in tolower(ka.verb)',
      'tolower(ka.user.groups) in val(ka.user.groups)',
    ]);
    expectAll('match', [
      'tolower(ka.user.groups) exists',
      'tolower(ka.verb) in (create)',
      'ka.verb = tolower(ka.verb)',
      'tolower(ka.user.groups) in tolower(ka.user.groups)',
    ]);
  });

  it('see text up to a NUL, or all of it, as C does', () => {
    expectAll('match', ['b64(jevt.value[/nul]) = a', 'len(b64(jevt.value[/nul])) = 1', 'concat(b64(jevt.value[/nul]), "-") = a-']);
    expectAll('no-match', ['b64(jevt.value[/nul]) in (a)', "b64(jevt.value[/nul]) regex 'a'"]);
    expectAll('match', ["b64(jevt.value[/nul]) regex 'a.b'"]);
  });

  it('join values', () => {
    expectAll('match', [
      'concat(ka.verb, "-", ka.stage) = create-ResponseComplete',
      'join(",", ka.user.groups) = "ops,system:authenticated"',
      'join(",", (ka.verb, "x", 5)) = "create,x,5"',
    ]);
    expectAll('match', [
      'join("", (evt.num, ka.user.groups)) = 1opssystem:authenticated',
      'join("-", tolower(ka.user.groups)) = ops-system:authenticated',
      'join(",", ()) = ""',
    ]);
    // What was counted is pasted as the bytes it has in memory.
    expectAll('match', ["concat(len(ka.user.name), 'x') endswith 'x' and not concat(len(ka.user.name), 'x') = 4x"]);
    expectAll('no-match', ['concat(ka.verb, ka.target.name) exists', 'join(",", (ka.verb, ka.target.name)) exists']);
    expectAll('load-error', [
      'concat(ka.verb) exists',
      'concat(ka.user.groups, "x") exists',
      'join(ka.user.groups, ",") exists',
      'join(",", ka.verb) exists',
      'concat(evt.num, "x") exists',
      'concat(ka.verb, "x")[a] exists',
    ]);
  });

  it('read options', () => {
    const list = 'ka.req.role.rules.verbs';
    const withArgv = eventOf({ requestObject: { rules: [{ verbs: ['-n', 'x', '-vt', 'y', '--long', '-q', '-z', 'rest', '-a'] }] } });
    const match = (condition: string) => expect(verdictOf(condition, withArgv), condition).toBe('match');
    match(`getopt(${list}, "n:vt:z")[t] = y`);
    match(`getopt(${list}, "n:vt:z")[n] = x`);
    match(`getopt(${list}, "n:vt:z")[v] = v`);
    match(`join(",", (getopt(${list}, "n:vt:z"))) = "n,x,v,t,y,?,z"`);
    match(`not getopt(${list}, "n:vt:z")[a] exists`);
    match(`getopt(("-t"), "t:")[t] = ""`);
    match(`getopt(("x"), "a") in (nothing)`);
    match(`len(getopt(("--"), "a")) = 0`);
    expect(verdictOf(`getopt(${list}, "a")[ab] = x`, withArgv)).toBe('load-error');
    expect(verdictOf('getopt(ka.verb, "a")[a] = x', withArgv)).toBe('load-error');
    expect(verdictOf(`getopt(${list}, ${list}) exists`, withArgv)).toBe('load-error');
  });

  it('does not let values grow without bound', () => {
    const big = eventOf({ requestURI: 'x'.repeat(200_000), user: { groups: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] } });
    const doubled = (levels: number): string => (levels === 0 ? 'ka.uri' : `concat(${doubled(levels - 1)}, ${doubled(levels - 1)})`);
    expect(verdictOf(`${doubled(2)} exists`, big)).toBe('match');
    expect(verdictOf(`${doubled(8)} exists`, big)).toBe('no-match');
    expect(verdictOf('join(ka.uri, ka.user.groups) exists', big)).toBe('no-match');
  });
});
