import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument, type ScalarTag } from 'yaml';
import type { Deployment } from './deployment.ts';

/** What a deployment gives a function, as a program outside of the framework needs to know it. */
export interface FunctionSettings {
  /** As in `serverless.yml`, e.g. `auditStream`. */
  readonly key: string;
  /** As Lambda calls it, e.g. `tiercel-dev-auditStream`. */
  readonly name: string;
  /** Module without extension, and its export: `functions/audit-stream/handler.handler`. */
  readonly handler: string;
  readonly runtime: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Variables but those whose value only CloudFormation knows (addresses of the stage's own endpoints); those are named apart. */
  readonly environment: Readonly<Record<string, string>>;
  readonly addressed: readonly string[];
  /** Further files of the package, glob patterns; a leading `!` takes files out. */
  readonly patterns: readonly string[];
}

interface FunctionFile {
  readonly handler: string;
  readonly memorySize: number;
  readonly timeout: number;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly package: { readonly patterns: readonly string[] };
}

const root = join(import.meta.dirname, '../..');

/** Keys of the functions in `serverless.yml`, in its order. */
export function functionKeys(): string[] {
  return Object.keys(serverless().functions);
}

/**
 * Reads `serverless.yml` and the function's `function.yml` the way the framework does, for the one kind of variable they use.
 * A test compares the result with the packaged template.
 */
export function functionSettings(key: string, deployment: Deployment): FunctionSettings {
  const { functions, provider } = serverless();
  const file = /^\$\{file\((.+)\)\}$/.exec(functions[key] ?? '')?.[1];
  if (file === undefined)
    throw new Error(`serverless.yml has no function ${key} with a file of its own; it has ${Object.keys(functions).join(', ')}.`);
  const settings = read(file) as FunctionFile;
  const variables = Object.entries({ ...provider.environment, ...settings.environment }).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const addressed = variables.filter(([, value]) => typeof valueAt(value, deployment) === 'object').map(([name]) => name);
  return {
    key,
    name: `tiercel-${deployment.name}-${key}`,
    handler: settings.handler,
    runtime: provider.runtime,
    memoryMiB: settings.memorySize,
    timeoutSeconds: settings.timeout,
    environment: Object.fromEntries(
      variables.filter(([name]) => !addressed.includes(name)).map(([name, value]) => [name, resolveVariables(value, deployment)]),
    ),
    addressed,
    patterns: settings.package.patterns,
  };
}

interface ServerlessFile {
  readonly functions: Readonly<Record<string, string>>;
  readonly provider: { readonly runtime: string; readonly environment: Readonly<Record<string, unknown>> };
}

function serverless(): ServerlessFile {
  return read('serverless.yml') as ServerlessFile;
}

const getAtt: ScalarTag = { tag: '!GetAtt', resolve: (text) => text };

const files = new Map<string, unknown>();

function read(file: string): unknown {
  if (!files.has(file)) files.set(file, parseDocument(readFileSync(join(root, file), 'utf8'), { customTags: [getAtt] }).toJS());
  return files.get(file);
}

const VARIABLE = /\$\{self:custom\.stage\.([\w.]+)\}/g;

/** What `${self:custom.stage.a.b}` stands for, where it is the whole value. */
function valueAt(text: string, deployment: Deployment): unknown {
  const [variable] = text.matchAll(VARIABLE);
  return variable?.[0] === text ? settingAt(variable[1]!, deployment) : text;
}

function settingAt(path: string, deployment: Deployment): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], deployment);
}

/** `${self:custom.stage.a.b}`, anywhere in a value. */
function resolveVariables(text: string, deployment: Deployment): string {
  return text.replace(VARIABLE, (variable, path: string) => {
    const value = settingAt(path, deployment);
    if (typeof value !== 'string') throw new Error(`Expected ${variable} to be a text, got ${JSON.stringify(value)}.`);
    return value;
  });
}
