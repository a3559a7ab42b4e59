import * as z from 'zod';
import type { FalcoAlert } from '../../falco/alert.ts';
import { readField } from '../fields.ts';

const PLACE = /\{([^{}]*)\}/g;
/** What the journal keeps of an alert: who did what to which object, not what the request held. */
const NAMED = /^(rule|priority|cluster|node|container\.(id|name)|(ka\.(?!req\.|uri\.param)|tiercel\.|k8s\.|ecs\.)[a-z0-9_.]+)$/;

/** Text with places for fields of the alert. Data from end to end: nothing in it is ever run. */
export const template = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((text, context) => {
    for (const [place, name] of text.matchAll(PLACE)) {
      if (NAMED.test(name!)) continue;
      context.addIssue({
        code: 'custom',
        message: `${place} names no field that the journal keeps: expected rule, priority, cluster, node, container.id, or a field of ka., tiercel., k8s. or ecs., none of ka.req. or ka.uri.param`,
      });
    }
    if (/[{}]/.test(text.replaceAll(PLACE, ''))) context.addIssue({ code: 'custom', message: 'expected every { to have its }' });
  });

const MAX_FIELD = 200;

export function fillIn(text: string, alert: FalcoAlert): string {
  return text.replaceAll(PLACE, (_place, name: string) => {
    if (name === 'rule' || name === 'priority') return alert[name];
    const field = readField(alert, name);
    if (field.state === 'truncated') return '(cut)';
    return field.state === 'missing' ? '(unknown)' : field.text.slice(0, MAX_FIELD);
  });
}
