import { describe, expect, it } from 'vitest';
import type { Expression } from '../../../../../../shared/falco/engine/ast.ts';
import { parseCondition, printCondition } from '../../../../../../shared/falco/engine/parse/index.ts';

function tree(text: string): Expression {
  const result = parseCondition(text);
  if (!result.ok) throw new Error(`${result.message} at ${result.offset}`);
  return result.tree;
}

/** The canonical text: shows the structure that was read. */
const shape = (text: string): string => printCondition(tree(text));

function problem(text: string): { message: string; offset: number } {
  const result = parseCondition(text);
  if (result.ok) throw new Error(`parsed: ${printCondition(result.tree)}`);
  return { message: result.message, offset: result.offset };
}

describe('structure', () => {
  it.each([
    ['a or b and c', 'a or b and c'],
    ['(a or b) and c', '(a or b) and c'],
    ['not a and b', 'not a and b'],
    ['not (a and b)', 'not (a and b)'],
    ['not not a', 'a'],
    ['not not not a', 'not a'],
    ['not (not a)', 'not (not a)'],
    ['not(a)', 'not a'],
    ['not not(a)', 'a'],
    ['a and (b and c)', 'a and (b and c)'],
    ['a and(b) and(c)', 'a and b and c'],
    ['a or(b) or c', 'a or b or c'],
    ['a or (b) and c', 'a or b and c'],
    ['(a)and(b)', 'a and b'],
    ['((((a))))', 'a'],
    ['\n a\tand\r\nb\b', 'a and b'],
    ['a or b or(c and d)', 'a or b or c and d'],
    ['(not)and b', '(not) and b'],
    ['a and not', 'a and (not)'],
  ])('%j reads as %j', (text, expected) => {
    expect(shape(text)).toBe(expected);
  });

  it.each([
    ['a or(b) and c', 8],
    ['', 0],
    ['   ', 3],
    ['a b', 2],
    ['a and', 5],
    ['a and # no comment', 6],
    ['a # comment', 2],
    ['a;', 1],
    ['(a', 2],
    ['a)', 1],
    ['a AND b', 2],
    ['x orange', 4],
    ['()', 1],
  ])('%j fails at byte %i', (text, offset) => {
    expect(problem(text).offset).toBe(offset);
  });
});

describe('checks', () => {
  it.each([
    ['ka.verb=create', 'ka.verb = create'],
    ['ka.verb == "create"', 'ka.verb == "create"'],
    ["ka.verb != 'a b'", 'ka.verb != "a b"'],
    ['ka.verb exists', 'ka.verb exists'],
    ['ka.verb existsand b', 'ka.verb exists and b'],
    ['ka.verb in(get,list)', 'ka.verb in (get, list)'],
    ['ka.verb in create', 'ka.verb in (create)'],
    ['ka.verb in ()', 'ka.verb in ()'],
    ['ka.verb in ( )', 'ka.verb in ()'],
    ['ka.uri.param[command] exists', 'ka.uri.param[command] exists'],
    ['jevt.value["/a b"] exists', 'jevt.value["/a b"] exists'],
    ['jevt.value[""] exists', 'jevt.value[""] exists'],
    ['ka.verb contains\nx', 'ka.verb contains x'],
    ['ka.verb = anyof (a, b)', 'ka.verb = anyof (a, b)'],
    ['ka.verb startswith oneof x', 'ka.verb startswith oneof (x)'],
    ['ka.verb = oneof', 'ka.verb = oneof'],
    ['ka.verb = oneof and b', 'ka.verb = oneof and b'],
    ['ka.verb = oneof order', 'ka.verb = oneof (order)'],
    ['evt.num < 5', 'evt.num < 5'],
    ['evt.num >= -1.5e+3', 'evt.num >= -1.5e+3'],
    ['evt.num > 0x1F', 'evt.num > 0x1F'],
    ['evt.num > val( evt.num )', 'evt.num > val(evt.num)'],
    ['ka.verb = val(ka.uri.param[x])', 'ka.verb = val(ka.uri.param[x])'],
    ['ka.verb = tolower( basename(ka.uri) )', 'ka.verb = tolower(basename(ka.uri))'],
    ['join(",", (ka.verb, "x", 1)) = a', 'join(",", (ka.verb, "x", 1)) = a'],
    ['join(",",()) exists', 'join(",", ()) exists'],
    ['getopt(ka.user.groups, "ab:")[b] exists', 'getopt(ka.user.groups, "ab:")[b] exists'],
    ['ka.user.name = jevt.value[/user/username]', 'ka.user.name = jevt.value[/user/username]'],
    ['ka.verb in tolower(ka.verb)', 'ka.verb in tolower(ka.verb)'],
    ['ka.verb = <NA>', 'ka.verb = <NA>'],
  ])('%j reads as %j', (text, expected) => {
    expect(shape(text)).toBe(expected);
  });

  it.each([
    ['ka.verb', 7, 'operator'],
    ['ka.verb = ', 10, 'string'],
    ['ka.verb = a=b', 11, "'and'"],
    ['ka.verb < abc', 10, 'number'],
    ['ka.verb in (create,)', 19, 'after the comma'],
    ['ka.verb in kube-system', 15, "'and'"],
    ['ka.verb in b, c', 12, "'and'"],
    ['ka.verb =oneof (a)', 15, "'and'"],
    ['ka.verb containsx', 8, 'operator'],
    ['val(ka.verb) = a', 3, "'and'"],
    ['ka.verb = val(x)', 14, 'field within'],
    ['ka.verb = "open', 10, 'string'],
    ["ka.verb = 'a\\\\'", 10, 'string'],
    ['jevt.value[] exists', 11, 'argument'],
    ['jevt.value[a b] exists', 12, "']'"],
    ['tolower() exists', 8, 'argument'],
    ['tolower(ka.verb exists', 16, "')'"],
  ])('%j fails at byte %i: %s', (text, offset, words) => {
    expect(problem(text)).toMatchObject({ offset, message: expect.stringContaining(words) });
  });
});

describe('strings', () => {
  const constant = (text: string): unknown => {
    const check = tree(`a.b = ${text}`);
    return check.type === 'compare' && check.right.type === 'constant' ? check.right.text : check;
  };

  it.each([
    ["'it\\'s'", "it's"],
    ['"\\b\\f\\n\\r\\t\\\\\\/"', '\b\f\n\r\t\\/'],
    ['"al\\ ce"', 'al\\ce'],
    ['\'say "x"\'', 'say "x"'],
    ['a\\b', 'a\\b'],
    ['"two\nlines"', 'two\nlines'],
  ])('%s is %j', (text, expected) => {
    expect(constant(text)).toBe(expected);
  });

  it.each(["'a\\qb'", "'it\\\"s'", "'\\x41'"])('%s has an escape Falco refuses', (text) => {
    expect(problem(`a.b = ${text}`).message).toContain('unknown escape');
  });
});

describe('bounds', () => {
  it('reads parentheses of any depth', () => {
    expect(shape(`${'('.repeat(50_000)}a${')'.repeat(50_000)}`)).toBe('a');
  });

  it('refuses a tree too deep to walk, and points at the place', () => {
    expect(problem(`${'not ('.repeat(2000)}a${')'.repeat(2000)}`).message).toContain('nested more than');
  });

  it('refuses stacked transformers without end', () => {
    expect(problem(`${'tolower('.repeat(100_000)}a.b`).message).toContain('stacked');
  });

  it('refuses a text of more than a megabyte', () => {
    expect(problem(`a.b = ${'x'.repeat(1 << 20)}`).message).toContain('limit');
  });

  it('reads a long flat condition', () => {
    const result = parseCondition(Array.from({ length: 50_000 }, () => 'a.b = c').join(' or '));
    expect(result).toMatchObject({ ok: true, tree: { type: 'or' } });
  });
});

it('spans point at the text they came from', () => {
  const text = 'a and (not ka.verb = create) or b';
  const spans: string[] = [];
  const walk = (node: Expression): void => {
    spans.push(text.slice(node.span.start, node.span.end));
    if (node.type === 'not') walk(node.child);
    if (node.type === 'and' || node.type === 'or') node.children.forEach(walk);
  };
  walk(tree(text));
  expect(spans).toEqual([text, 'a and (not ka.verb = create)', 'a', 'not ka.verb = create', 'ka.verb = create', 'b']);
});
