import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { TiercelError } from '../../shared/platform/errors.ts';
import { freshnessProblems, readPolicyAges } from './freshness.ts';
import { type Stage, stageSchema } from './schema.ts';

const STAGES = join(import.meta.dirname, '../stages');
const POLICIES = join(import.meta.dirname, '../../rules/respond');

/** A stage's settings and its name. */
export interface NamedStage extends Stage {
  readonly name: string;
}

/** Everything that is wrong with a stage file, in one message. */
export class StageError extends TiercelError {
  constructor(message: string) {
    super('BAD_STAGE', message);
  }
}

/** Reads `infra/stages/<name>.yml`, and sees whether its events come in time for the policies. @throws StageError that lists every problem. */
export function readStage(name: string, folder: string = STAGES): NamedStage {
  const file = join(folder, `${name}.yml`);
  if (!/^[a-z][a-z0-9]{0,11}$/.test(name)) {
    throw new StageError(
      `Expected a stage name of at most 12 lower-case letters and digits (it becomes part of bucket names), got "${name}".`,
    );
  }
  if (!existsSync(file)) {
    const known = readdirSync(folder).filter((entry) => entry.endsWith('.yml'));
    throw new StageError(`There is no stage "${name}": infra/stages/${name}.yml does not exist. There are ${known.join(', ')}.`);
  }
  const stage = parseStage(`infra/stages/${name}.yml`, readFileSync(file, 'utf8'));
  const problems = freshnessProblems(stage, readPolicyAges(POLICIES));
  if (problems.length > 0) throw stageError(`infra/stages/${name}.yml`, problems);
  return { name, ...stage };
}

/** @throws StageError that lists every problem, each with the line of the setting. */
export function parseStage(file: string, text: string): Stage {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0)
    throw new StageError(`${file} is not YAML:\n${document.errors.map((error) => `  - ${error.message}`).join('\n')}`);
  const parsed = stageSchema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw stageError(file, parsed.error.issues);
}

function stageError(file: string, issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): StageError {
  const problems = issues.map((issue) => {
    const message = issue.message
      .replace(/^Invalid input: expected (.+), received (.+)$/, 'expected $1, got $2')
      .replace(/undefined$/, 'nothing');
    return `  - ${issue.path.join('.') || 'the file'}: ${message}.`;
  });
  return new StageError(
    `${file} cannot be deployed, ${problems.length === 1 ? 'one setting is' : `${problems.length} settings are`} wrong:\n${problems.join('\n')}`,
  );
}
