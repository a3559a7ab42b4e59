import type { Entry } from '../../shared/respond/journal/index.ts';
import { bindingAlert } from './alerts.ts';

/** An entry of the journal; tests change only what they are about. */
export function entryOf(changes: Partial<Entry> = {}): Entry {
  const { 'evt.time': _time, ...fields } = bindingAlert().output_fields;
  return {
    id: `${'a'.repeat(40)}-${'b'.repeat(12)}`,
    event: 'a'.repeat(40),
    version: 1,
    status: 'done',
    mode: 'enforce',
    policy: 'p',
    action: 'isolate-pod',
    parameters: {},
    intent: 'isolate pods prod/web',
    target: { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' },
    rules: ['Attach/Exec Pod'],
    cluster: 'prod-1',
    user: 'mallory',
    alert: { ...bindingAlert(), output_fields: fields },
    guards: [{ guard: 'signed', verdict: 'pass', reason: 'the MAC verifies' }],
    steps: [],
    caveats: [],
    attempt: 1,
    createdAtMs: Date.parse('2026-11-21T08:25:00Z'),
    updatedAtMs: Date.parse('2026-11-21T08:25:00Z'),
    ...changes,
  };
}
