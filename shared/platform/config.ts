import * as z from 'zod';
import { TiercelError } from './errors.ts';

/** Everything that is wrong with a configuration, in one message. Values of variables that look secret are never repeated. */
export class ConfigError extends TiercelError {
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super(
      'BAD_CONFIG',
      `${what} cannot start, ${problems.length === 1 ? 'one setting is' : `${problems.length} settings are`} wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** A variable and what is wrong with it, found by looking at several variables together. */
export interface SettingProblem {
  readonly name: string;
  readonly message: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a function's settings from its environment.
 * An empty string counts as not set, because that is what an unset parameter becomes in a deployment template.
 * @param together checks that span variables; it gets the variables as they are set, whether or not each is right by itself.
 * @throws ConfigError with every problem at once.
 */
export function readConfig<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  environment: Environment,
  together: (set: Environment) => readonly SettingProblem[] = () => [],
): z.output<Schema> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(set);
  const alone = parsed.success ? [] : parsed.error.issues.map((issue) => ({ name: String(issue.path[0] ?? ''), message: issue.message }));
  const problems = [...alone, ...together(set)];
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new ConfigError(
    what,
    problems.map(({ name, message }) => `${name}: ${message}; ${cameAs(name, set[name])}.`),
  );
}

/** A setting that is a list written as JSON; not set, it is empty. */
export function jsonList<Item extends z.ZodType>(item: Item, expected: string) {
  return z
    .string()
    .default('[]')
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: expected });
        return z.NEVER;
      }
    })
    .pipe(z.array(item));
}

function cameAs(name: string, value: string | undefined): string {
  if (value === undefined) return 'it is not set';
  return SECRET.test(name) ? 'it is set to something else (not shown)' : `it is ${JSON.stringify(value.slice(0, 200))}`;
}

const SECRET = /secret|token|password|key/i;
