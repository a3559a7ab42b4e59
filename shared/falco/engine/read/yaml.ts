import { type Document, isAlias, isMap, isScalar, isSeq, type ParsedNode, parseAllDocuments } from 'yaml';
import { toByteString } from '../bytes.ts';
import type { Place, SourceFile } from './source.ts';

/**
 * YAML as Falco's parser (yaml-cpp) sees it: scalars keep their source text, only plain `~`, `null`, `Null`, `NULL` and nothing are
 * null, no merge keys, and of two equal keys the first one counts. Every node knows its place in the file.
 */
export type YamlNode = YamlScalar | YamlSequence | YamlMapping;

export interface YamlScalar extends Place {
  readonly kind: 'scalar';
  /** Byte string (see ast.ts). */
  readonly text: string;
  readonly isNull: boolean;
  readonly style: 'plain' | 'single' | 'double' | 'block';
}

interface YamlSequence extends Place {
  readonly kind: 'sequence';
  readonly items: readonly YamlNode[];
}

export interface YamlMapping extends Place {
  readonly kind: 'mapping';
  readonly entries: readonly YamlEntry[];
}

interface YamlEntry {
  readonly key: YamlNode;
  readonly value: YamlNode;
}

/** The value of the first entry with this key; undefined if there is none. */
export function lookUp(mapping: YamlMapping, key: string): YamlNode | undefined {
  return mapping.entries.find((entry) => entry.key.kind === 'scalar' && entry.key.text === key)?.value;
}

export type YamlResult =
  | { readonly ok: true; readonly documents: readonly YamlNode[] }
  | { readonly ok: false; readonly message: string; readonly place: Place };

/** Size of one rules file in UTF-16 units. The largest published rule sets have 200 KB. */
const MAX_FILE = 2 << 20;
/** Levels of YAML nesting; rules need seven. */
const MAX_LEVELS = 100;
/** Nodes and bytes of text of one file with every alias counted as what it stands for: no walk over a file takes longer than that. */
const MAX_NODES = 1_000_000;
const MAX_TEXT = 16 << 20;

/** Reads all documents of a file. Null documents are left out. */
export function readYaml(source: SourceFile): YamlResult {
  const refuse = (message: string, start: number, end = start + 1): YamlResult => ({ ok: false, message, place: { source, start, end } });
  if (source.text.length > MAX_FILE) return refuse(`the file has ${source.text.length} characters; the limit is ${MAX_FILE}`, 0);
  let parsed: readonly Document.Parsed[];
  try {
    const documents = parseAllDocuments(source.text, { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
    parsed = Array.isArray(documents) ? documents : [];
  } catch (error) {
    // The parser refuses depth by itself; a stack that was nearly full before leaves it less.
    if (error instanceof RangeError) return refuse(`collections are nested more than ${MAX_LEVELS} levels deep`, 0);
    throw error;
  }
  const problem = parsed.flatMap((document) => document.errors)[0];
  if (problem) return refuse(problem.message, Math.min(problem.pos[0], source.text.length), problem.pos[1]);
  const documents: YamlNode[] = [];
  for (const document of parsed) {
    const node = convert(source, document);
    if ('unreadable' in node) return refuse(node.unreadable, node.start, node.end);
    if (node.kind !== 'scalar' || !node.isNull) documents.push(node);
  }
  return { ok: true, documents };
}

interface Size {
  readonly nodes: number;
  readonly text: number;
}

interface Unreadable {
  readonly unreadable: string;
  readonly start: number;
  readonly end: number;
}

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const STYLES: Readonly<Record<string, YamlScalar['style']>> = {
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_FOLDED: 'block',
  BLOCK_LITERAL: 'block',
};
const ASCII = /^[\x00-\x7f]*$/;

/** yaml's tree to ours. Aliases share the node they name, so that no chain of aliases can grow it. */
function convert(source: SourceFile, document: Document.Parsed): YamlNode | Unreadable {
  const anchors = new Map<string, { readonly node: YamlNode; readonly size: Size }>();
  /** What has been visited so far, aliases counted in full. */
  const size = { nodes: 0, text: 0 };
  let failure: Unreadable | undefined;

  const spend = ({ nodes, text }: Size, start: number, end: number): void => {
    size.nodes += nodes;
    size.text += text;
    if (size.nodes > MAX_NODES || size.text > MAX_TEXT) {
      failure ??= { unreadable: `with its aliases the file has more than ${MAX_NODES} nodes or ${MAX_TEXT} bytes of text`, start, end };
    }
  };

  const visit = (node: ParsedNode | null, fallback: number, level: number): YamlNode => {
    const start = node?.range?.[0] ?? fallback;
    const end = node?.range?.[1] ?? fallback;
    const nothing: YamlScalar = { kind: 'scalar', text: '', isNull: true, style: 'plain', source, start, end };
    if (!node || failure) return nothing;
    if (level > MAX_LEVELS) {
      failure = { unreadable: `collections are nested more than ${MAX_LEVELS} levels deep`, start, end: start + 1 };
      return nothing;
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (!target) failure = { unreadable: `the alias *${node.source} names no anchor that is complete above it`, start, end };
      else spend(target.size, start, end);
      return target?.node ?? nothing;
    }
    const before = { ...size };
    const result = convertOne(node, start, end, level);
    spend({ nodes: 1, text: result.kind === 'scalar' ? result.text.length : 0 }, start, end);
    if (node.anchor) anchors.set(node.anchor, { node: result, size: { nodes: size.nodes - before.nodes, text: size.text - before.text } });
    return result;
  };

  const convertOne = (
    node: Exclude<ParsedNode, { type?: never; source: string; anchor?: never }>,
    start: number,
    end: number,
    level: number,
  ): YamlNode => {
    if (isScalar(node)) {
      const value = typeof node.value === 'string' ? node.value : (node.source ?? '');
      const style = STYLES[node.type ?? ''] ?? 'plain';
      const isNull = style === 'plain' && node.tag === undefined && NULLS.has(value);
      return { kind: 'scalar', text: ASCII.test(value) ? value : toByteString(value), isNull, style, source, start, end };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => visit(item as ParsedNode | null, start, level + 1));
      return { kind: 'sequence', items, source, start, end };
    }
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => {
        const keyNode = visit(key as ParsedNode | null, start, level + 1);
        return { key: keyNode, value: visit(value as ParsedNode | null, keyNode.end, level + 1) };
      });
      return { kind: 'mapping', entries, source, start, end };
    }
    failure ??= { unreadable: 'this is neither a scalar nor a collection', start, end };
    return { kind: 'scalar', text: '', isNull: true, style: 'plain', source, start, end };
  };

  const root = visit(document.contents, 0, 0);
  return failure ?? root;
}
