import { settleAll } from '../../shared/platform/concurrency.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import { KubeStatusError } from '../../shared/platform/kube/index.ts';
import type { Check, CheckContext, Finding, Subject } from './check.ts';

/** A finding, and what it is about. */
export type CheckResult = Finding & { readonly check: string; readonly subject: string };

/** Looks under way at the same time: APIs that describe things allow few calls a second. */
const UNDER_WAY = 6;
/** One look may take this long, milliseconds. */
const LOOK_MS = 20_000;

/** Looks at every subject of every check, each by itself. Results come in the order of the checks. */
export async function runChecks(
  checks: readonly Check[],
  context: CheckContext,
  onDone: (done: number, of: number) => void = () => {},
): Promise<readonly CheckResult[]> {
  const looks = checks.flatMap((check) => check.subjects(context).map((subject) => ({ check, subject })));
  let done = 0;
  const settled = await settleAll(looks, UNDER_WAY, async ({ check, subject }) => {
    const findings = await look(check, subject, context);
    onDone(++done, looks.length);
    return findings.map((finding) => ({ check: check.id, subject: subject.name, ...finding }));
  });
  return settled.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function look(check: Check, subject: Subject, context: CheckContext): Promise<readonly Finding[]> {
  const over = new AbortController();
  const late = context.clock.sleep(LOOK_MS, over.signal).then(
    () => {
      throw new TiercelError('NO_ANSWER_IN_TIME', `no answer came within ${LOOK_MS / 1000} s`);
    },
    // Aborted: the look was quicker, and nobody listens here any more.
    () => [] as readonly Finding[],
  );
  try {
    const found = await Promise.race([subject.look(), late]);
    return Array.isArray(found) ? (found as readonly Finding[]) : [found as Finding];
  } catch (error) {
    return [unknown(check, error, context)];
  } finally {
    over.abort();
  }
}

function unknown(check: Check, error: unknown, context: CheckContext): Finding {
  const why = messageOf(error);
  if (isMissing(error)) return { verdict: 'unknown', why, fix: 'What it looks at is not there: see the findings about that.' };
  if (!isForbidden(error)) return { verdict: 'unknown', why, fix: 'Run doctor again; if it stays, ask the service itself.' };
  const named = /perform:? ([a-z0-9-]+:\w+)/i.exec(why)?.[1];
  const needed = check.needs(context.stage).flatMap(({ actions }) => actions);
  const fix =
    named !== undefined
      ? `Allow ${named}; \`tiercel doctor --stage ${context.stage.name} --iam-policy\` prints all that doctor needs.`
      : needed.length > 0
        ? `Allow ${[...new Set(needed)].join(', ')}; \`tiercel doctor --stage ${context.stage.name} --iam-policy\` prints all that doctor needs.`
        : 'Use credentials that may ask this.';
  return { verdict: 'unknown', why, fix };
}

const FORBIDDEN = /^(AccessDenied|Authorization(Error)?|Unauthorized|Forbidden|NotAuthorized)/;

/** Services spell it differently; S3 answers a HEAD with the status alone. */
function isForbidden(error: unknown): boolean {
  if (error instanceof KubeStatusError) return error.status === 401 || error.status === 403;
  const { name, $metadata } = originOf(error);
  return FORBIDDEN.test(name) || $metadata?.httpStatusCode === 403;
}

const MISSING = /^(ResourceNotFound|NoSuch|NotFound|QueueDoesNotExist)/;

function isMissing(error: unknown): boolean {
  return MISSING.test(originOf(error).name);
}

/** What a service threw, without our own errors around it. */
function originOf(error: unknown): { readonly name: string; readonly $metadata?: { readonly httpStatusCode?: number } } {
  if (error instanceof TiercelError && error.cause !== undefined) return originOf(error.cause);
  return error instanceof Error ? error : { name: '' };
}
