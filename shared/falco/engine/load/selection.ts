/** One entry of Falco's `rules:` configuration: switches rules by name (`*` stands for any text) or by tag, in order. */
export interface Selection {
  readonly operation: 'enable' | 'disable';
  readonly rule?: string;
  readonly tag?: string;
}

interface Selectable {
  readonly name: string;
  readonly tags: readonly string[];
}

/**
 * The rules to evaluate, in order. `initial`: those enabled by the files, in order of definition; `all`: in order of definition.
 * A rule that is disabled and enabled again goes to the end, as in Falco.
 */
export function selected<T extends Selectable>(all: readonly T[], initial: readonly T[], selections: readonly Selection[]): readonly T[] {
  const chosen = new Set(initial);
  for (const { operation, rule, tag } of selections) {
    for (const candidate of all) {
      const named = rule !== undefined && rule !== '' && matchesName(rule, candidate.name);
      const tagged = tag !== undefined && tag !== '' && candidate.tags.includes(tag);
      if (!named && !tagged) continue;
      if (operation === 'enable') chosen.add(candidate);
      else chosen.delete(candidate);
    }
  }
  return [...chosen];
}

/** Falco's wildcard: each piece between stars is looked for once, from the left; `*a` does not match `aa`. */
export function matchesName(pattern: string, name: string): boolean {
  const [first, ...pieces] = pattern.split(/\*+/);
  if (pieces.length === 0) return pattern === name;
  if (!name.startsWith(first!)) return false;
  let at = first!.length;
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1;
    if (last && piece === '') return true;
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at === name.length;
}
