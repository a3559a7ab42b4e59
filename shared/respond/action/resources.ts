import * as z from 'zod';
import type { Target } from '../target.ts';

/** `pods`, `deployments.apps`: a resource as RBAC and kubectl name it. */
export const resourceName = z
  .string()
  .regex(/^[a-z][a-z0-9]*(\.[a-z0-9-]+)*$/, 'expected a plural resource with its group, such as pods or deployments.apps')
  .describe('plural resource with its group: pods, deployments.apps');

export function splitResource(name: string): { readonly resource: string; readonly apiGroup: string } {
  const dot = name.indexOf('.');
  return dot < 0 ? { resource: name, apiGroup: '' } : { resource: name.slice(0, dot), apiGroup: name.slice(dot + 1) };
}

/** Whether a target is of one of the named resources. */
export function isAmong(target: Pick<Target, 'apiGroup' | 'resource'>, names: readonly string[]): boolean {
  return names.includes(target.apiGroup === '' ? target.resource : `${target.resource}.${target.apiGroup}`);
}
