import { type EventLayout, layOut, MAX_EVENT_DEPTH } from './json/layout.ts';
import { rewrite, type Verdict, type Visit } from './json/rewrite.ts';

/** Annotation values and other strings up to this size stay whole: 1 KiB. */
const LONG_BYTES = 1024;
/** What is left of a longer string, in front of {@link CUT_MARK}. */
const KEPT_BYTES = 512;
/** Lists and objects are cut to this many members when nothing else helps. */
const KEPT_MEMBERS = 100;
/** The mark Falcosidekick uses for the same purpose: whoever reads the alert knows that the value is not whole. */
const CUT_MARK = '[...]';

const cutLongString = (visit: Visit): Verdict => (visit.stringBytes > LONG_BYTES ? { cutTo: KEPT_BYTES, mark: CUT_MARK } : 'keep');
const dropBeyond = (visit: Visit): Verdict => (visit.index >= KEPT_MEMBERS ? 'drop' : 'keep');
const inSpec = ({ path }: Visit) => path[0] === 'requestObject' && path[1] === 'spec';
const only = (names: readonly string[], name: string | undefined): Verdict =>
  name === undefined || names.includes(name) ? 'keep' : 'drop';

/** What identifies the object that the server answered with stays: the name of a pod is shown from there. */
function skeletonOfResponse({ path }: Visit): Verdict {
  if (path[0] !== 'responseObject') return 'keep';
  if (path.length === 2) return only(['kind', 'apiVersion', 'metadata'], path[1]);
  return path.length === 3 && path[1] === 'metadata' ? only(['name', 'namespace', 'uid'], path[2]) : 'keep';
}

/** The least telling first; the request's spec last. Each step goes further than the ones before, on what they left. */
const STEPS: readonly ((visit: Visit) => Verdict)[] = [
  skeletonOfResponse,
  ({ path }) => (path.length > 1 && path.at(-1) === 'managedFields' && path.at(-2) === 'metadata' ? 'drop' : 'keep'),
  (visit) => (visit.path.at(-2) === 'annotations' ? cutLongString(visit) : 'keep'),
  (visit) => (inSpec(visit) ? 'keep' : cutLongString(visit)),
  (visit) => (inSpec(visit) || visit.path.length < 2 ? 'keep' : dropBeyond(visit)),
  cutLongString,
  (visit) => (visit.path.length < 2 ? 'keep' : dropBeyond(visit)),
  ({ path }) => (path[0] === 'requestObject' && path.length === 2 ? only(['kind', 'apiVersion', 'metadata', 'spec'], path[1]) : 'keep'),
  ({ path }) => (path[0] === 'requestObject' && path.length === 2 ? only(['kind', 'apiVersion', 'metadata'], path[1]) : 'keep'),
  ({ path }) => (path[0] === 'requestObject' || path[0] === 'responseObject' ? 'drop' : 'keep'),
];

/** A value nested too deeply for Falco's parser gives way to a text that says so. */
const cutDeep = ({ path, container }: Visit): Verdict =>
  container && path.length >= MAX_EVENT_DEPTH - 1 ? { replaceBy: '"[nested too deeply]"' } : 'keep';

export interface Reduction {
  readonly raw: Uint8Array;
  readonly layout: EventLayout;
  /** Something is missing from the text that was there; false when only blanks between its tokens were taken out. */
  readonly lossy: boolean;
}

/**
 * Makes an event fit into `maxBytes` and into the nesting that Falco's parser takes, leaving out the least telling parts first, as little as
 * will do. `undefined` when even the bare metadata is too large.
 */
export function reduce(raw: Uint8Array, layout: EventLayout, maxBytes: number): Reduction | undefined {
  let lossy = false;
  let current = rewrite(raw, () => 'keep');
  const finished = () => {
    if (current.length > maxBytes) return undefined;
    const now = layOut(current);
    return now === undefined || now.deep ? undefined : { raw: current, layout: now, lossy };
  };
  let result = finished();
  for (const step of [layout.deep ? [skeletonOfResponse, cutDeep] : [], STEPS].flat()) {
    if (result !== undefined) return result;
    current = rewrite(current, (visit) => {
      const verdict = step(visit);
      lossy ||= verdict !== 'keep';
      return verdict;
    });
    result = finished();
  }
  return result;
}
