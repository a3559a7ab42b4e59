import type { EventSource, JsonObject, TestCase, TestFile } from './format.ts';
import type { TesterFiles } from './subject.ts';

/** What a case need not say. An event that names a member decides it; null in a patch removes it. */
const DEFAULTS: JsonObject = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'RequestResponse',
  auditID: '00000000-0000-4000-8000-000000000001',
  stage: 'ResponseComplete',
  requestReceivedTimestamp: '2026-01-02T03:04:05.000001Z',
  stageTimestamp: '2026-01-02T03:04:05.000006Z',
};

/** Reads a file next to the test file. Rejects when it cannot. */
type ReadText = (path: string) => Promise<string>;

/** The event of a case as text: source, defaults, patch. Throws a message for the case's report. */
export async function textOfCase(file: TestFile, one: TestCase, files: TesterFiles): Promise<string> {
  const read: ReadText = (name) => files.read(files.join(files.folderOf(file.path), name));
  if (one.event === undefined) throw new Error("the case has no 'event'");
  const source = await resolveSource(file, one.event, read);
  if ('raw' in source) {
    if (one.patch) throw new Error("'patch' needs an object to work on, not exact text");
    return source.raw;
  }
  const event = { ...DEFAULTS, ...source.object };
  return JSON.stringify(one.patch ? mergePatch(event, one.patch) : event);
}

async function resolveSource(file: TestFile, source: EventSource, read: ReadText): Promise<Exclude<EventSource, string>> {
  if (typeof source !== 'string') return source;
  const named = file.events[source];
  if (named !== undefined) {
    if (typeof named !== 'string') return named;
    if (named in file.events && !named.endsWith('.json')) throw new Error(`the event '${source}' must not be the name of another event`);
    return readObject(named, read);
  }
  if (source.endsWith('.json')) return readObject(source, read);
  throw new Error(`there is no event '${source}' under 'events:'; a file's name must end in .json`);
}

async function readObject(path: string, read: ReadText): Promise<{ readonly object: JsonObject }> {
  const value: unknown = JSON.parse(await read(path));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${path} must hold one JSON object`);
  return { object: value as JsonObject };
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
