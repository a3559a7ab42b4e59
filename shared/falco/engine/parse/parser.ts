import type { Expression } from '../ast.ts';
import { parseCheck } from './check.ts';
import { Scanner, SyntaxProblem } from './scanner.ts';

/**
 * The condition language, as Falco 0.44 reads it. `B` = one or more blanks, `b` = optional blanks;
 * blank = space, tab, backspace, CR, LF. `S` = POSIX white space.
 *
 *   Expr       = b And { b "or" OrTail } b .
 *   OrTail     = B And | "(" Expr ")" .
 *   And        = b Not { b "and" AndTail } .
 *   AndTail    = B Not | "(" Expr ")" .
 *   Not        = b { "not" S } ( "not(" Expr ")" | Check ) .
 *   Check      = "(" Expr ")" | Operand Cond | Identifier .
 *
 * and below, in check.ts and operand.ts:
 *
 *   Operand    = FieldName [ "[" Arg "]" ] | Transf .
 *   Transf     = TName "(" b TArg { b "," b TArg } b ")" [ "[" Arg "]" ] .
 *   TArg       = Number | Quoted | "(" [ TItem { "," TItem } ] ")" | Transf | Operand .
 *   Cond       = b "exists"
 *              | b NumOp b ( Other | Hex | Number )
 *              | b StrOp B Modifier List | b StrOp b ( Other | Quoted | Bare )
 *              | b ListOp b ( List | Other | Identifier ) .
 *   Other      = "val(" b FieldName [ "[" Arg "]" ] b ")" | Transf .
 *   List       = "(" b [ Str { b "," b Str } ] b ")" | Identifier .
 *
 * What surprises: `and`, `or` and `in` need no boundary behind them; after a glued `or(…)` only another `or` may follow;
 * `not` binds to the next check only.
 *
 * The expression level runs on a stack of its own, so no text can overflow the machine's; `MAX_DEPTH` bounds the tree for the
 * stages that walk it.
 */

/** Bytes of one condition text after lists and exceptions were pasted in. Falco knows no limit; the longest shipped condition has 2 KB. */
export const MAX_CONDITION_BYTES = 1 << 20;
/** Levels of and/or/not in one condition tree; parentheses alone cost nothing. */
export const MAX_DEPTH = 1000;

type ParseResult =
  | { readonly ok: true; readonly tree: Expression }
  | { readonly ok: false; readonly message: string; readonly offset: number };

/** One `Expr` under way: its finished disjuncts, the conjuncts of the current one, and what an inner parenthesis will become. */
interface Frame {
  or: Level;
  and: Level;
  pending: Pending;
}

interface Level {
  readonly children: Expression[];
  depth: number;
}

interface Finished {
  readonly tree: Expression;
  readonly depth: number;
}

type Pending =
  | { readonly as: 'operand'; readonly negate: boolean; readonly start: number }
  | { readonly as: 'and' }
  | { readonly as: 'or' };

/**
 * Parses a condition (a byte string, see ast.ts) into its tree.
 * A failure carries the byte offset and what was expected there.
 */
export function parseCondition(text: string): ParseResult {
  try {
    return { ok: true, tree: parse(text) };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { ok: false, message: error.message, offset: error.offset };
    throw error;
  }
}

function parse(text: string): Expression {
  if (text === '') throw new SyntaxProblem('the condition is empty', 0);
  if (text.length > MAX_CONDITION_BYTES) {
    throw new SyntaxProblem(
      `the condition has ${text.length} bytes once lists and exceptions are pasted in; the limit is ${MAX_CONDITION_BYTES}`,
      0,
    );
  }
  const scanner = new Scanner(text);
  const outer: Frame[] = [];
  let frame = openFrame();

  const enter = (pending: Pending): void => {
    frame.pending = pending;
    outer.push(frame);
    frame = openFrame();
  };

  for (;;) {
    const operand = openOperand(scanner);
    if (operand.tree === undefined) {
      enter({ as: 'operand', negate: operand.negate, start: operand.start });
      continue;
    }
    place({ as: 'operand', ...operand }, frame, { tree: operand.tree, depth: 1 }, scanner.end);

    // What follows a finished operand: another one, or the end of this expression and of those around it.
    for (;;) {
      const next = tail(scanner, frame);
      if (next === 'operand') break;
      if (next === 'and' || next === 'or') {
        enter({ as: next });
        break;
      }
      const parent = outer.pop();
      if (!parent) {
        if (!scanner.atEnd)
          throw new SyntaxProblem(`expected 'and', 'or' or the end of the condition, found ${scanner.ahead()}`, scanner.offset);
        return next.tree;
      }
      if (!scanner.take(')')) throw new SyntaxProblem(`expected ')' to close the parenthesis, found ${scanner.ahead()}`, scanner.offset);
      place(parent.pending, parent, next, scanner.end);
      frame = parent;
    }
  }
}

function openFrame(): Frame {
  return { or: openLevel(), and: openLevel(), pending: { as: 'or' } };
}

function openLevel(): Level {
  return { children: [], depth: 0 };
}

/** `not`s, then a check; or, with `tree` undefined, an opened parenthesis. */
function openOperand(scanner: Scanner): { readonly negate: boolean; readonly start: number; readonly tree: Expression | undefined } {
  scanner.blanks();
  const start = scanner.offset;
  let negate = false;
  while (scanner.takeNot()) negate = !negate;
  if (scanner.take('not(')) return { negate: !negate, start, tree: undefined };
  scanner.blanks();
  if (scanner.take('(')) return { negate, start, tree: undefined };
  return { negate, start, tree: parseCheck(scanner) };
}

/** 'operand': a conjunct or disjunct follows; 'and'/'or': a glued parenthesis was opened; otherwise the finished expression. */
function tail(scanner: Scanner, frame: Frame): 'operand' | 'and' | 'or' | Finished {
  scanner.blanks();
  // No open conjunction stands behind a glued `or(…)`: `and` is no answer there.
  if (frame.and.children.length > 0) {
    if (scanner.take('and')) return afterWord(scanner, 'and');
    add(frame.or, joined('and', frame.and, scanner.end));
    frame.and = openLevel();
  }
  if (scanner.take('or')) return afterWord(scanner, 'or');
  return joined('or', frame.or, scanner.end);
}

function afterWord(scanner: Scanner, word: 'and' | 'or'): 'operand' | 'and' | 'or' {
  if (scanner.blanks()) return 'operand';
  if (scanner.take('(')) return word;
  throw new SyntaxProblem(`expected a blank or '(' after '${word}', found ${scanner.ahead()}`, scanner.offset);
}

/** Puts a finished operand or parenthesis where its expression wants it. */
function place(pending: Pending, frame: Frame, inner: Finished, end: number): void {
  if (pending.as === 'operand' && pending.negate) {
    const span = { start: pending.start, end };
    add(frame.and, { tree: { type: 'not', child: inner.tree, span }, depth: inner.depth + 1 });
  } else {
    add(pending.as === 'or' ? frame.or : frame.and, inner);
  }
}

function add(level: Level, { tree, depth }: Finished): void {
  if (depth > MAX_DEPTH) {
    throw new SyntaxProblem(`and/or/not are nested more than ${MAX_DEPTH} levels deep: move parts into macros`, tree.span.start);
  }
  level.children.push(tree);
  level.depth = Math.max(level.depth, depth);
}

function joined(type: 'and' | 'or', level: Level, end: number): Finished {
  const [first] = level.children;
  if (level.children.length === 1) return { tree: first!, depth: level.depth };
  return { tree: { type, children: level.children, span: { start: first!.span.start, end } }, depth: level.depth + 1 };
}
