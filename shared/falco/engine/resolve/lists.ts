import { MAX_CONDITION_BYTES } from '../parse/index.ts';
import { LoadProblem } from '../read/problem.ts';
import type { YamlScalar } from '../read/yaml.ts';
import type { ListEntry } from './collector.ts';
import { type Paste, PasteBuilder, wordsOf } from './paste.ts';

/** A list ready for pasting: references to other lists are replaced, one level deep. */
export interface FlatList {
  readonly name: string;
  readonly items: readonly YamlScalar[];
  readonly place: YamlScalar;
  used: boolean;
}

/** Items over all lists after flattening; a list of lists of lists could otherwise multiply. */
const MAX_ITEMS = 200_000;
/** Bytes of condition text searched for list names in one go; a second of work. The shipped rules need 20,000. */
const MAX_WORK = 1e9;

/** Replaces items that name a list defined (first) before this list's last change by that list's own items, as written. */
export function flattenLists(lists: ReadonlyMap<string, ListEntry>): readonly FlatList[] {
  const used = new Set<string>();
  let total = 0;
  const flat = [...lists.values()].map((list): FlatList => {
    const items: YamlScalar[] = [];
    for (const item of list.items) {
      const other = lists.get(item.text);
      if (other && other.index < list.visibility) {
        used.add(other.name);
        for (const inner of other.items) items.push(inner);
      } else {
        items.push(item);
      }
      if (items.length + total > MAX_ITEMS)
        throw new LoadProblem('LOAD_ERR_VALIDATE', `the lists hold more than ${MAX_ITEMS} items`, list.place);
    }
    total += items.length;
    return { name: list.name, items, place: list.place, used: false };
  });
  for (const list of flat) list.used = used.has(list.name);
  return flat;
}

const BLANKS = ' \t\n\r';
const DELIMITERS = new Set([...BLANKS, '(', ')', ',', '=']);

/**
 * Pastes the lists into condition texts, one list after the other in order of definition. Blind to context, as in Falco: a name
 * between delimiters is replaced wherever it stands, right-hand values and quoted words included.
 */
export class ListPaster {
  readonly #lists: readonly FlatList[];
  readonly #order = new Map<string, number>();
  /** Names a word search may not find, because they hold delimiters or quotes themselves. */
  readonly #unusual: number[] = [];
  #work = 0;

  constructor(lists: readonly FlatList[]) {
    this.#lists = lists;
    lists.forEach(({ name }, index) => {
      if (/[ \t\n\r(),="']/.test(name)) this.#unusual.push(index);
      else this.#order.set(name, index);
    });
  }

  paste(condition: Paste): Paste {
    let text = condition;
    // Only lists whose names occur can change the text; pasting one can bring in the names of others, of which later ones count.
    const due = new Set(this.#unusual);
    const note = (words: Iterable<string>): void => {
      for (const word of words) {
        const index = this.#order.get(word);
        if (index !== undefined) due.add(index);
      }
    };
    note(text.words);
    for (let index = nextAfter(due, -1); index !== undefined; index = nextAfter(due, index)) {
      const list = this.#lists[index]!;
      this.#work += text.text.length + due.size;
      if (this.#work > MAX_WORK)
        throw new LoadProblem('LOAD_ERR_VALIDATE', 'there are too many lists in too long conditions to paste them all', list.place);
      const pasted = pasteOne(text, list);
      if (!pasted) continue;
      list.used = true;
      text = pasted;
      for (const item of list.items) note(wordsOf(item.text));
    }
    return text;
  }
}

function nextAfter(due: ReadonlySet<number>, index: number): number | undefined {
  let next: number | undefined;
  for (const candidate of due) if (candidate > index && (next === undefined || candidate < next)) next = candidate;
  return next;
}

/** The text with every delimited occurrence of the list's name replaced; undefined if there is none. */
function pasteOne(condition: Paste, list: FlatList): Paste | undefined {
  const { text } = condition;
  const { name } = list;
  let builder: PasteBuilder | undefined;
  /** Up to where `text` was copied. */
  let copied = 0;
  for (let at = text.indexOf(name); at >= 0; ) {
    let end = at + name.length;
    const bounded = (at === 0 || DELIMITERS.has(text[at - 1]!)) && (end >= text.length || DELIMITERS.has(text[end]!));
    if (!bounded) {
      at = text.indexOf(name, at + 1);
      continue;
    }
    builder ??= new PasteBuilder();
    condition.copyTo(builder, copied, at);
    builder.trimEnd(BLANKS);
    while (end < text.length && BLANKS.includes(text[end]!)) end++;
    const empty = list.items.every((item) => item.text === '');
    if (empty && builder.trimEnd(',', 1) === 0 && text[end] === ',') end++;
    const atStart = builder.length === 0;
    if (!atStart) builder.glue(' ');
    pasteItems(builder, list.items);
    builder.glue(' ');
    if (builder.length > MAX_CONDITION_BYTES) {
      throw new LoadProblem(
        'LOAD_ERR_COMPILE_CONDITION',
        `the condition grows beyond ${MAX_CONDITION_BYTES} bytes when lists are pasted in`,
        list.place,
      );
    }
    copied = end;
    // Falco's search goes on one character too far when it replaced at the very start.
    at = text.indexOf(name, atStart ? end + 1 : end);
  }
  if (!builder) return undefined;
  condition.copyTo(builder, copied, text.length);
  return builder.build();
}

/** Items joined by `, `. An empty first item leaves no trace, an empty later one leaves its comma. */
function pasteItems(builder: PasteBuilder, items: readonly YamlScalar[]): void {
  const before = builder.length;
  for (const item of items) {
    if (builder.length > before) builder.glue(', ');
    pasteQuoted(builder, item);
  }
}

/** A text with a space that does not start with a quote goes between double quotes; nothing is escaped. */
export function pasteQuoted(builder: PasteBuilder, item: YamlScalar): void {
  const { text } = item;
  const quoted = text.includes(' ') && text[0] !== '"' && text[0] !== "'";
  if (quoted) builder.glue('"');
  builder.piece(text, item);
  if (quoted) builder.glue('"');
}
