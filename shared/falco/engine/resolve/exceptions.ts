import { COMPARISON_OPERATORS } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { LIST_OPERATORS, MAX_CONDITION_BYTES, MODIFIERS, STRING_OPERATORS } from '../parse/index.ts';
import type { Entry, ExceptionDefinition } from '../read/definition.ts';
import { LoadProblem } from '../read/problem.ts';
import type { Place } from '../read/source.ts';
import type { YamlNode, YamlScalar } from '../read/yaml.ts';
import { pasteQuoted } from './lists.ts';
import { type Paste, PasteBuilder } from './paste.ts';

/** An exception as it stands in a rule: comparisons filled in, values of later appends included. */
export interface RuleException {
  readonly name: string;
  readonly fields: Entry;
  readonly comps: Comps;
  readonly values: Entry[];
  readonly place: YamlNode;
}

/** Comparisons: texts, because they are trimmed and may be filled in. */
type Comps =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly text: string }
  | { readonly kind: 'many'; readonly texts: readonly string[] };

/** Whether a text can stand left of an operator in a rule of the given source; supplied by the loader. */
export type IsField = (text: string) => boolean;

/** An empty list counts as if the key were absent. */
export function isGiven(entry: Entry): boolean {
  return entry.kind === 'one' || (entry.kind === 'many' && entry.entries.length > 0);
}

/** Exceptions of a definition, or of an append that brings a new one. `isField` is absent where the rule's source is unknown. */
export function validated(exception: ExceptionDefinition, isField: IsField | undefined): RuleException {
  const { fields, name } = exception;
  const title = `the exception '${fromByteString(name)}'`;
  if (fields.kind === 'none' || !isGiven(fields))
    throw refuse(`${title} has no fields`, exception.node, 'Add `fields: [ka.user.name]` or the like.');
  const comps = compsOf(exception.comps);
  if (fields.kind === 'one') {
    if (comps.kind === 'many')
      throw refuse(`${title} has one field, but a list of comps`, exception.node, 'Write `comps: in`, or make `fields` a list.');
    const comp = comps.kind === 'one' ? comps.text : 'in';
    if (!takesList(comp)) {
      throw refuse(
        `${title} compares a single field by '${fromByteString(comp)}'`,
        exception.node,
        `With a single field, comps is one of ${LIST_OPERATORS.join(', ')}, or an operator with a modifier such as 'startswith oneof'.`,
      );
    }
    checkField(fields.scalar, isField);
    return { name, fields, comps: { kind: 'one', text: comp }, values: [...exception.values], place: exception.node };
  }
  const texts = comps.kind === 'none' ? fields.entries.map(() => '=') : comps.kind === 'many' ? comps.texts : [];
  if (texts.length !== fields.entries.length) {
    throw refuse(
      `${title} has ${fields.entries.length} fields, but ${texts.length} comps`,
      exception.node,
      'Give one comparison per field, or leave comps out.',
    );
  }
  for (const text of texts) {
    if (!isOperator(text)) throw refuse(`${title} compares by '${fromByteString(text)}', which is no operator`, exception.node);
  }
  for (const entry of fields.entries) checkField(entry.kind === 'one' ? entry.scalar : undefined, isField, exception.node);
  return { name, fields, comps: { kind: 'many', texts }, values: [...exception.values], place: exception.node };
}

/** Exceptions put in place by `override: {exceptions: replace}`: taken as they are, without defaults. */
export function unvalidated(exception: ExceptionDefinition): RuleException {
  const { fields, name } = exception;
  const comps = compsOf(exception.comps);
  if (fields.kind === 'many' && exception.values.length > 0 && (comps.kind !== 'many' || comps.texts.length < fields.entries.length)) {
    throw refuse(
      `the exception '${fromByteString(name)}' replaces another one and must name its comps`,
      exception.node,
      'Add `comps:` with one comparison per field; a replaced exception gets no default.',
    );
  }
  return { name, fields, comps, values: [...exception.values], place: exception.node };
}

/** `(COND)` and, for each exception with values, ` and not ` with the values spelled out. */
export function withExceptions(condition: Paste, exceptions: readonly RuleException[]): Paste {
  if (exceptions.length === 0) return condition;
  const builder = new PasteBuilder();
  builder.glue('(');
  builder.paste(condition);
  builder.glue(')');
  for (const exception of exceptions) {
    if (exception.values.length === 0) continue;
    builder.glue(' and not ');
    if (exception.fields.kind === 'many') pasteTuples(builder, exception, exception.fields.entries);
    else pasteValues(builder, exception, exception.fields.kind === 'one' ? exception.fields.scalar : undefined);
    if (builder.length > MAX_CONDITION_BYTES) {
      throw new LoadProblem(
        'LOAD_ERR_COMPILE_CONDITION',
        `with its exceptions the condition has more than ${MAX_CONDITION_BYTES} bytes`,
        exception.place,
      );
    }
  }
  return builder.build();
}

/** `(FIELD COMP (v1, v2, …))` */
function pasteValues(builder: PasteBuilder, exception: RuleException, field: YamlScalar | undefined): void {
  builder.glue('(');
  if (field) builder.piece(field.text, field);
  builder.glue(` ${exception.comps.kind === 'one' ? exception.comps.text : ''} (`);
  exception.values.forEach((value, index) => {
    if (value.kind === 'many') {
      throw refuse(
        `the exception '${fromByteString(exception.name)}' has one field, but a list as a value`,
        value.node,
        'Write single values, or make `fields` a list.',
      );
    }
    if (index > 0) builder.glue(', ');
    if (value.kind === 'one') pasteQuoted(builder, value.scalar);
  });
  builder.glue('))');
}

/** `(( f1 c1 x1 and  f2 c2 x2) or (…))` */
function pasteTuples(builder: PasteBuilder, exception: RuleException, fields: readonly Entry[]): void {
  builder.glue('(');
  exception.values.forEach((tuple, index) => {
    const values = tuple.kind === 'many' ? tuple.entries : [];
    if (values.length !== fields.length) {
      throw refuse(
        `the exception '${fromByteString(exception.name)}' has ${fields.length} fields, but here are ${values.length} values`,
        tuple.kind === 'many' ? tuple.node : tuple.kind === 'one' ? tuple.scalar : exception.place,
        'Give one value per field, as in `- [alice, create]`.',
      );
    }
    if (index > 0) builder.glue(' or ');
    builder.glue('(');
    fields.forEach((field, position) => {
      builder.glue(position === 0 ? ' ' : ' and  ');
      if (field.kind === 'one') builder.piece(field.scalar.text, field.scalar);
      const comp = exception.comps.kind === 'many' ? (exception.comps.texts[position] ?? '') : '';
      builder.glue(` ${comp} `);
      pasteValue(builder, values[position]!, comp);
    });
    builder.glue(')');
  });
  builder.glue(')');
}

function pasteValue(builder: PasteBuilder, value: Entry, comp: string): void {
  if (value.kind === 'many') {
    builder.glue('(');
    const before = builder.length;
    for (const item of value.entries) {
      if (builder.length > before) builder.glue(', ');
      if (item.kind === 'one') pasteQuoted(builder, item.scalar);
    }
    builder.glue(')');
  } else if (takesList(comp)) {
    const bare = value.kind === 'one' && value.scalar.text.startsWith('(');
    if (!bare) builder.glue('(');
    if (value.kind === 'one') builder.piece(value.scalar.text, value.scalar);
    if (!bare) builder.glue(')');
  } else if (value.kind === 'one') {
    pasteQuoted(builder, value.scalar);
  }
}

/** Comparisons are trimmed; an absent one in a list is the empty text. */
function compsOf(entry: Entry): Comps {
  const text = (one: Entry): string => (one.kind === 'one' ? one.scalar.text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : '');
  if (!isGiven(entry)) return { kind: 'none' };
  if (entry.kind === 'many') return { kind: 'many', texts: entry.entries.map(text) };
  return entry.kind === 'one' ? { kind: 'one', text: text(entry) } : { kind: 'none' };
}

function takesList(comp: string): boolean {
  return (LIST_OPERATORS as readonly string[]).includes(comp) || isModified(comp);
}

/** `startswith oneof` and the like. */
function isModified(comp: string): boolean {
  const [operator, modifier, ...rest] = comp.split(/[ \t\r\n]+/);
  return (
    rest.length === 0 &&
    (STRING_OPERATORS as readonly string[]).includes(operator!) &&
    (MODIFIERS as readonly string[]).includes(modifier ?? '')
  );
}

function isOperator(comp: string): boolean {
  return comp === 'exists' || (COMPARISON_OPERATORS as readonly string[]).includes(comp) || isModified(comp);
}

function checkField(field: YamlScalar | undefined, isField: IsField | undefined, place?: YamlNode): void {
  if (!isField || (field && isField(field.text))) return;
  const at: Place = field ?? place!;
  throw refuse(
    `${field ? `'${fromByteString(field.text)}'` : 'a nested list'} is no field of this rule's source`,
    at,
    'Use a field of the source, with its argument where it needs one.',
  );
}

function refuse(message: string, place: Place, help?: string): LoadProblem {
  return new LoadProblem('LOAD_ERR_VALIDATE', message, place, help);
}
