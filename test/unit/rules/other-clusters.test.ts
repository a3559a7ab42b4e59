import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createEvaluator, loadRules } from '../../../shared/falco/engine/index.ts';
import { packFiles } from './pack.ts';

/** A row of routines.yaml. */
interface Routine {
  readonly what: string;
  readonly user: string;
  readonly verb: string;
  /** A resource, with its subresource if any; or a path. */
  readonly target: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly code?: number;
  readonly query?: string;
  readonly agent?: string;
  readonly body?: unknown;
  readonly stage?: string;
}

const routines = parse(readFileSync(join(import.meta.dirname, 'routines.yaml'), 'utf8')) as readonly Routine[];

function eventOf(routine: Routine): string {
  const { user, verb, target, namespace, name, query = '', stage = 'ResponseComplete', agent = 'Go-http-client/2.0', body } = routine;
  const code = routine.code ?? (verb === 'create' ? 201 : 200);
  const [resource, subresource] = target.startsWith('/') ? [] : target.split('/');
  const path = target.startsWith('/')
    ? target
    : `/api/v1${namespace ? `/namespaces/${namespace}` : ''}/${resource}${name && verb !== 'create' ? `/${name}` : ''}${subresource ? `/${subresource}` : ''}`;
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: 'a',
    stage,
    requestURI: path + query,
    verb,
    user: user === '' ? {} : { username: user },
    sourceIPs: ['10.0.0.7'],
    userAgent: agent,
    ...(resource !== undefined && {
      objectRef: { resource, ...(namespace && { namespace }), ...(name && { name }), ...(subresource && { subresource }) },
    }),
    responseStatus: { code },
    ...(body !== undefined && { requestObject: body }),
    stageTimestamp: '2026-01-02T03:04:05.000006Z',
    annotations: { 'authorization.k8s.io/decision': code === 403 ? 'forbid' : 'allow' },
  });
}

describe('routine of clusters and tools', () => {
  const evaluator = createEvaluator(loadRules(packFiles(), { minPriority: 'Notice' }).rules, { ruleMatching: 'all' });

  it.each(routines.map((routine) => [routine.what, routine] as const))('%s', (_what, routine) => {
    const verdict = evaluator.evaluate(Buffer.from(eventOf(routine)));
    expect(verdict.kind).not.toBe('rejected');
    expect(verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : []).toEqual([]);
  });
});
