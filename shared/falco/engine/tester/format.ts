import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import * as z from 'zod';
import { TiercelError } from '../../../platform/errors.ts';

/** A `*.test.yaml` file (docs/rules-tests.md), checked, with defaults filled in. */
export interface TestFile {
  readonly path: string;
  /** Rules files in order of loading, relative to the test file. Absent: all of the folder. */
  readonly rules?: readonly string[];
  /** The rules that count. */
  readonly only?: readonly string[];
  /** Rules to switch on although their file disables them. */
  readonly enable: readonly string[];
  readonly events: Readonly<Record<string, EventSource>>;
  readonly cases: readonly TestCase[];
}

export interface TestCase {
  readonly name: string;
  /** Line of the case in its file, from 1. */
  readonly line: number;
  /** Why this case does not hold yet. It is run; when it holds, the reason must go. */
  readonly todo?: string;
  readonly event?: EventSource;
  /** JSON merge patch (RFC 7396) on the event: null removes a member. */
  readonly patch?: JsonObject;
  readonly expect: Expectation;
}

/** An object; the name of an event of this file; a path that ends in .json; or exact text. */
export type EventSource = string | { readonly raw: string } | { readonly object: JsonObject };

export type JsonObject = { readonly [key: string]: unknown };

/** 'rejected': Falco would not take the event. Else what the rules that fire must show, by name; no entries: none fires. */
type Expectation = 'rejected' | ReadonlyMap<string, ExpectedAlert>;

export interface ExpectedAlert {
  /** Values in `output_fields`; null: the field is missing. Others may be there. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** A text the output contains. */
  readonly output?: string;
  readonly priority?: string;
}

/** A test file that cannot be read as one. */
class TestFileError extends TiercelError {
  constructor(path: string, line: number, message: string) {
    super('RULES_TEST_INVALID', `${path}:${line}: ${message}`);
  }
}

const object = z.record(z.string(), z.unknown());
const eventSource = z.union([z.string().min(1), z.strictObject({ raw: z.string() }), object]);
const alert = z.strictObject({ fields: object.default({}), output: z.string().optional(), priority: z.string().optional() });
const testCase = z
  .strictObject({
    name: z.string().min(1),
    todo: z.string().min(1).optional(),
    event: eventSource.optional(),
    patch: object.optional(),
    expect: z.union([z.string().min(1), z.array(z.string().min(1)), z.record(z.string(), alert.nullable())]).optional(),
    fields: object.optional(),
    output: z.string().optional(),
  })
  .refine((one) => one.todo !== undefined || (one.event !== undefined && one.expect !== undefined), "a case needs 'event' and 'expect'");
const testFile = z.strictObject({
  rules: z.array(z.string().min(1)).optional(),
  only: z.array(z.string().min(1)).optional(),
  enable: z.array(z.string().min(1)).default([]),
  events: z.record(z.string(), eventSource).default({}),
  cases: z.array(testCase).min(1),
});

/** Reads a test file. Throws TestFileError, which names the line. */
export function parseTestFile(path: string, text: string): TestFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const [broken] = document.errors;
  if (broken) throw new TestFileError(path, lineAt(broken.pos[0]), broken.message);
  const parsed = testFile.safeParse(document.toJS({ maxAliasCount: 1000 }));
  const lineOf = (keys: readonly PropertyKey[]): number => lineAt((nodeAt(document.contents, keys)?.range ?? [0])[0]);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new TestFileError(path, lineOf(issue.path), `${issue.path.map(String).join('.') || 'the file'}: ${issue.message}`);
  }
  const { cases, events, ...rest } = parsed.data;
  const { rules, only, enable } = rest;
  return {
    path,
    ...(rules && { rules }),
    ...(only && { only }),
    enable,
    events: Object.fromEntries(Object.entries(events).map(([name, source]) => [name, sourceOf(source)])),
    cases: cases.map((one, index): TestCase => {
      const line = lineOf(['cases', index]);
      return {
        name: one.name,
        line,
        ...(one.todo !== undefined && { todo: one.todo }),
        ...(one.event !== undefined && { event: sourceOf(one.event) }),
        ...(one.patch && { patch: one.patch }),
        expect: expectationOf(path, line, one),
      };
    }),
  };
}

function sourceOf(source: z.infer<typeof eventSource>): EventSource {
  if (typeof source === 'string') return source;
  if (typeof source.raw === 'string' && Object.keys(source).length === 1) return { raw: source.raw };
  return { object: source };
}

function expectationOf(path: string, line: number, { expect = 'none', fields, output }: z.infer<typeof testCase>): Expectation {
  const shorthand = { fields: fields ?? {}, ...(output !== undefined && { output }) };
  const hasShorthand = fields !== undefined || output !== undefined;
  if (typeof expect === 'object' && !Array.isArray(expect)) {
    if (hasShorthand) throw new TestFileError(path, line, "'fields' and 'output' belong under the rule's name in 'expect' here");
    return new Map(
      Object.entries(expect).map(([rule, wanted]) => [
        rule,
        {
          fields: wanted?.fields ?? {},
          ...(wanted?.output !== undefined && { output: wanted.output }),
          ...(wanted?.priority !== undefined && { priority: wanted.priority }),
        },
      ]),
    );
  }
  const names = expect === 'none' || expect === 'rejected' ? [] : [expect].flat();
  if (hasShorthand && names.length !== 1)
    throw new TestFileError(
      path,
      line,
      "'fields' and 'output' need exactly one expected rule; else put them under the rules' names in 'expect'",
    );
  if (expect === 'rejected') return 'rejected';
  return new Map(names.map((name) => [name, shorthand]));
}

/** The deepest node on a path of keys. */
function nodeAt(root: Node | null, keys: readonly PropertyKey[]): Node | undefined {
  let node: Node | undefined = root ?? undefined;
  for (const key of keys) {
    const next: unknown = isMap(node) ? node.get(key, true) : isSeq(node) ? node.get(Number(key), true) : undefined;
    if (typeof next !== 'object' || next === null) break;
    node = next as Node;
  }
  return node;
}
