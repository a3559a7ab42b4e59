import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../../platform/errors.ts';
import type { Fault } from './fault.ts';
import type { Finding } from './finding.ts';

export interface PolicyFile {
  /** Path as messages should name it. */
  readonly path: string;
  readonly text: string;
}

/** A policy file as plain values, with a way back to their places in its text. */
export interface PolicyDocument {
  readonly items: readonly unknown[];
  /** Where a fault is: paths begin with the number of the item. */
  place(fault: Fault): Finding;
}

/** @returns its findings when it is no list of anything. */
export function openDocument(file: PolicyFile): PolicyDocument | { readonly findings: readonly Finding[] } {
  const counter = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: counter, uniqueKeys: true, prettyErrors: false });
  const lines = file.text.split(/\r?\n/);
  const finding = (offset: number, message: string): Finding => {
    const { line, col } = counter.linePos(offset);
    return { file: file.path, line: Math.max(1, line), column: Math.max(1, col), message, excerpt: lines[line - 1] ?? '' };
  };
  if (document.errors.length > 0) return { findings: document.errors.map((error) => finding(error.pos[0], error.message)) };
  const root = document.contents;
  if (!isSeq(root))
    return { findings: [finding(root?.range?.[0] ?? 0, 'expected a list of policies (`- policy: …`) and protections (`- protect: …`)')] };
  let items: readonly unknown[];
  try {
    items = document.toJS({ maxAliasCount: 100 }) as readonly unknown[];
  } catch (error) {
    return { findings: [finding(root.range?.[0] ?? 0, messageOf(error))] };
  }
  return { items, place: (fault) => finding(offsetOf(document, root, fault, file.text), fault.message) };
}

function offsetOf(document: Document, root: Node, { path, key, byte }: Fault, text: string): number {
  // The deepest node that exists on the way: a missing member is reported at its parent.
  let node: Node = root;
  for (let depth = 1; depth <= path.length; depth++) {
    const found = document.getIn(path.slice(0, depth), true);
    if (!isNode(found)) break;
    node = found;
  }
  const start = node.range?.[0] ?? 0;
  if (key !== undefined && isMap(node)) {
    const named = node.items.map((pair) => pair.key).find((candidate) => isScalar(candidate) && candidate.value === key);
    return (isNode(named) ? named.range?.[0] : undefined) ?? start;
  }
  if (byte === undefined || !isScalar(node) || typeof node.value !== 'string') return start;
  const position = Buffer.from(node.value).subarray(0, byte).toString('utf8').length;
  return sourceOffset(text, start, node.value, position) ?? start;
}

/** How many characters of the source may stand for none of the value: a quote, a backslash. */
const MAX_SKIPPED = 2;

/** Where a place within a scalar's value is in the source, whose line breaks and indentation YAML folds away; `undefined` where escapes make that unknowable. */
function sourceOffset(text: string, start: number, value: string, position: number): number | undefined {
  let at = start;
  if (text[at] === '|' || text[at] === '>') at = text.indexOf('\n', at) + 1;
  for (let read = 0; ; read++) {
    const blank = read >= value.length || /\s/.test(value[read]!);
    while (!blank && /\s/.test(text[at] ?? '')) at++;
    if (read >= position) return at;
    if (blank) continue;
    for (let skipped = 0; text[at] !== value[read]; skipped++, at++) if (skipped >= MAX_SKIPPED) return undefined;
    at++;
  }
}
