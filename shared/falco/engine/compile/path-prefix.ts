import { compileGlob, type Glob } from './glob.ts';

/** One level of the paths that `pmatch` looks for. */
interface Level {
  readonly plain: Map<string, Level>;
  readonly globs: Map<string, { readonly glob: Glob; readonly level: Level }>;
  /** A path ends here: everything below matches. */
  isEnd: boolean;
}

function newLevel(): Level {
  return { plain: new Map(), globs: new Map(), isEnd: false };
}

/**
 * Whether one of `paths` is a prefix of the text, component by component; components with `?`, `*` or `[` are globs.
 * Empty components count for nothing, so `/` is a prefix of everything.
 * Falco loses its way when several globs of one level match and the first of them fails further down; this does not.
 */
export function compilePathPrefixes(paths: readonly string[]): (text: string) => boolean {
  const root = newLevel();
  for (const path of paths) {
    let level = root;
    for (const component of components(path)) {
      if (level.isEnd) break;
      level = child(level, component);
    }
    level.isEnd = true;
  }
  return (text) => reaches(root, components(text));
}

function components(path: string): string[] {
  return path.split('/').filter((component) => component !== '');
}

function child(level: Level, component: string): Level {
  if (!/[?*[]/.test(component)) {
    const known = level.plain.get(component) ?? newLevel();
    level.plain.set(component, known);
    return known;
  }
  const known = level.globs.get(component) ?? { glob: compileGlob(component), level: newLevel() };
  level.globs.set(component, known);
  return known.level;
}

/** All levels that the first components lead to, advanced together: no path is walked twice. */
function reaches(root: Level, texts: readonly string[]): boolean {
  let levels = new Set([root]);
  for (const text of texts) {
    const next = new Set<Level>();
    for (const level of levels) {
      if (level.isEnd) return true;
      const plain = level.plain.get(text);
      if (plain) next.add(plain);
      for (const { glob, level: below } of level.globs.values()) if (glob(text)) next.add(below);
    }
    if (next.size === 0) return false;
    levels = next;
  }
  return [...levels].some((level) => level.isEnd);
}
