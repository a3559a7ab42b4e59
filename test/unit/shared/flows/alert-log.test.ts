import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../../shared/falco/alert.ts';
import { noteAlert } from '../../../../shared/flows/alert-log.ts';
import { readTrigger } from '../../../../shared/respond/index.ts';

const sample = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../events/respond/invoke.json'), 'utf8')) as FalcoAlert;
const item = (alert: FalcoAlert) => ({ kind: 'alert', alert, via: { kind: 'invoke' } }) as const;

async function noted(alert: FalcoAlert, clusters: readonly string[] = []) {
  const written: [string, string][] = [];
  const group = { write: async (stream: string, line: string) => void written.push([stream, line]) };
  await noteAlert(item(alert), { group, clusters }, undefined);
  return written;
}

const withFields = (fields: FalcoAlert['output_fields']): FalcoAlert => ({
  ...sample,
  output_fields: { ...sample.output_fields, ...fields },
});

describe('the log of alerts', () => {
  it('has a stream for each cluster of the stage, and one for all others', async () => {
    const cluster = String(sample.output_fields['ka.cluster.name']);
    expect((await noted(sample, [cluster]))[0]?.[0]).toBe(cluster);
    expect((await noted(withFields({ 'ka.cluster.name': '../made:up*' }), [cluster]))[0]?.[0]).toBe('other');
  });

  it('tells who did what to which object', async () => {
    const [[, line] = []] = await noted(sample);
    expect(JSON.parse(line!)).toMatchObject({
      rule: sample.rule,
      priority: sample.priority,
      detectedBy: 'k8s_audit',
      user: sample.output_fields['ka.user.name'],
      verb: sample.output_fields['ka.verb'],
      time: sample.time,
    });
  });

  it('holds nothing that a request carried', async () => {
    const alert: FalcoAlert = {
      ...withFields({
        'ka.req.pod.containers.image': 'SECRET-1',
        'jevt.value[/requestObject/data]': 'SECRET-2',
        'ka.uri': '/api/v1/namespaces/a/pods/b/exec?command=SECRET-3',
        'ka.uri.param[command]': 'SECRET-4',
        'proc.cmdline': 'SECRET-5',
      }),
      output: 'SECRET-6',
    };
    const [[, line] = []] = await noted(alert);
    expect(line).toContain('/api/v1/namespaces/a/pods/b/exec');
    expect(line).not.toContain('SECRET');
  });

  it('is short, whatever the alert holds', async () => {
    const [[, line] = []] = await noted(withFields({ 'ka.user.name': 'u'.repeat(1_000_000), 'ka.uri': `/${'x'.repeat(1_000_000)}` }));
    expect(Buffer.byteLength(line!)).toBeLessThan(20_000);
  });

  it('is refused by respond, should somebody subscribe it', async () => {
    const [[, line] = []] = await noted(sample);
    const records = [{ eventSource: 'aws:sqs', messageId: 'm', body: line }];
    expect(readTrigger({ Records: records })).toMatchObject([{ kind: 'rejected', reason: expect.stringContaining('source is `tiercel`') }]);
  });

  it('counts a line that could not be written, and lets nothing wait or fail for it', async () => {
    const readings: string[] = [];
    const group = { write: async () => Promise.reject(new Error('no way out')) };
    await noteAlert(item(sample), { group, clusters: [] }, { record: (name) => readings.push(name) });
    expect(readings).toEqual(['AlertLogFailures']);
  });
});
