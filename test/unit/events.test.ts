import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditEvent, largeSamples, SAMPLE_MAC_KEY, samples } from '../../events/generate.ts';
import {
  type AuditRecord,
  type DecodedItem,
  decodeDelivery,
  decodeStream,
  eventKey,
  parseObjectNotifications,
  prepare,
  verifyMac,
} from '../../shared/audit/index.ts';
import { readTrigger } from '../../shared/respond/alert-input/index.ts';
import { eventIdentity } from '../../shared/respond/identity.ts';

const folder = resolve(import.meta.dirname, '../../events');
const large = largeSamples();

/** The rows of the table in events/README.md. */
const rows = readFileSync(join(folder, 'README.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| (\S+\/\S+\.json) +\| (.+?) +\| (.+?) +\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, file, shows, outcome]) => ({
    file: file!,
    shows: shows!,
    outcome: Object.fromEntries([...outcome!.matchAll(/(\w+) (\d+)/g)].map(([, name, count]) => [name, Number(count)])),
  }));

function text(file: string): string {
  return large.get(file) ?? readFileSync(join(folder, file), 'utf8');
}

async function itemsOf(file: string): Promise<DecodedItem[]> {
  if (!file.startsWith('audit/')) return decodeDelivery(JSON.parse(text(file))).items;
  const items: DecodedItem[] = [];
  const source = (async function* () {
    yield Buffer.from(text(file));
  })();
  for await (const batch of decodeStream(source, { kind: 'file', path: file })) items.push(...batch);
  return items;
}

function ready(items: readonly DecodedItem[]) {
  return items
    .filter((item) => item.kind === 'record')
    .map(({ record }) => prepare(record, { mac: SAMPLE_MAC_KEY }, { maxEventBytes: 262_144 }));
}

async function outcomeOf(file: string): Promise<Record<string, number>> {
  const count = { records: 0, skipped: 0, rejected: 0, salvaged: 0, reduced: 0, objects: 0, deliveries: 0, alerts: 0, ignored: 0 };
  if (file.startsWith('audit-archive/')) {
    const found = parseObjectNotifications(JSON.parse(text(file)));
    count.objects = found.objects.length;
    count.deliveries = found.deliveries.length;
    count.skipped = found.skipped.reduce((sum, { count: each }) => sum + each, 0);
    count.rejected = found.rejects.length;
  } else if (file.startsWith('respond/') || file.startsWith('falco/')) {
    for (const item of readTrigger(JSON.parse(text(file)))) count[item.kind === 'alert' ? 'alerts' : item.kind]++;
  } else {
    const items = await itemsOf(file);
    for (const item of items) {
      if (item.kind === 'skipped') count.skipped += item.count;
      else if (item.kind === 'rejected') count.rejected++;
    }
    for (const prepared of ready(items)) {
      if (prepared.kind === 'rejected') count.rejected++;
      else {
        count.records++;
        if (prepared.reduced) count.reduced++;
        if (prepared.salvaged) count.salvaged++;
      }
    }
  }
  return Object.fromEntries(Object.entries(count).filter(([, number]) => number > 0));
}

function recordsOf(items: readonly DecodedItem[]): AuditRecord[] {
  return ready(items).map((prepared) => {
    if (prepared.kind === 'rejected') throw new Error(prepared.reject.message);
    return prepared.record;
  });
}

const parsed = (record: AuditRecord) => JSON.parse(Buffer.from(record.raw).toString());

describe('events/', () => {
  it('has a row for every file, and a file for every row', () => {
    const files = ['audit', 'falco', 'audit-stream', 'audit-archive', 'respond'].flatMap((name) =>
      readdirSync(join(folder, name)).map((file) => `${name}/${file}`),
    );
    expect(rows.map(({ file }) => file).sort()).toEqual([...files, ...large.keys()].sort());
    for (const { file, shows } of rows) expect(/[*_]large[*_]/.test(shows), file).toBe(large.has(file));
  });

  it('is what generate.ts makes of the recorded samples', () => {
    for (const [path, made] of samples()) expect(readFileSync(join(folder, path), 'utf8'), path).toBe(made);
  });

  it.each(rows)('$file: $shows', async ({ file, outcome }) => {
    expect(await outcomeOf(file)).toEqual(outcome);
  });

  it('keeps the spec of a pod that is padded to the limit', async () => {
    for (const file of ['audit/256-kib.json', 'audit-stream/one-mib-split-in-two.json']) {
      const [record] = recordsOf(await itemsOf(file));
      expect(parsed(record!).requestObject.spec).toEqual(JSON.parse(auditEvent('privileged-pod')).requestObject.spec);
      expect(parsed(record!).annotations['audit.k8s.io/truncated']).toBe('true');
    }
  });

  it('salvages a head with all that comes before the request', async () => {
    const whole = JSON.parse(auditEvent('privileged-pod'));
    for (const file of ['audit-stream/truncated.json', 'audit-stream/one-mib-head.json']) {
      const [record] = recordsOf(await itemsOf(file));
      const event = parsed(record!);
      expect([event.auditID, event.verb, event.user, event.objectRef]).toEqual([whole.auditID, whole.verb, whole.user, whole.objectRef]);
      expect(event.stageTimestamp).toBe('2026-11-21T08:24:55.000Z');
      expect(event.requestObject).toBeUndefined();
      expect(event.annotations['audit.k8s.io/truncated']).toBe('true');
    }
  });

  it('tells two requests with one auditID apart, and not the stages of one request', async () => {
    const reused = recordsOf(await itemsOf('audit-stream/reused-audit-id.json'));
    expect(new Set(reused.map((record) => parsed(record).auditID)).size).toBe(1);
    expect(new Set(reused.map((record) => eventKey(record))).size).toBe(2);
    const stages = recordsOf(await itemsOf('audit-stream/exec.json'));
    expect(new Set(stages.map((record) => eventKey(record))).size).toBe(1);
  });

  it('puts our cluster name and MAC before foreign ones', async () => {
    const [record] = recordsOf(await itemsOf('audit-stream/foreign-cluster-name.json'));
    const annotations = Buffer.from(record!.raw).toString().split('"annotations":{').at(-1)!;
    expect(annotations.indexOf('"cluster_name":"prod"')).toBe(0);
    expect(annotations).toContain('"tiercel.dev/original-cluster_name":"somewhere-else"');
    expect(annotations).toContain('"tiercel.dev/original-tiercel.dev/mac":"forged"');
  });

  it('decodes keys with plus, percent and blank to the same key, whoever encoded them', () => {
    const keys = ['encoded-key', 'eventbridge', 'eventbridge-in-sqs'].map(
      (name) => parseObjectNotifications(JSON.parse(text(`audit-archive/${name}.json`))).objects[0]?.key,
    );
    expect(keys).toEqual(Array(3).fill('audit/eu+us/100%/part 1'));
  });

  it('stamps alerts whose MAC verifies, but for the forged one', () => {
    const verdict = (name: string) => {
      const [item] = readTrigger(JSON.parse(text(`respond/${name}.json`)));
      if (item?.kind !== 'alert') throw new Error('expected an alert');
      const identity = eventIdentity(item.alert);
      if (!identity.known) throw new Error('expected an alert that names its event');
      return verifyMac([SAMPLE_MAC_KEY], String(item.alert.output_fields['tiercel.mac']), identity.facts);
    };
    for (const name of ['invoke', 'exec', 'forbidden']) expect(verdict(name), name).toMatchObject({ ok: true });
    expect(verdict('forged')).toEqual({ ok: false, reason: 'mismatch' });
  });

  it('holds no file of more than 50 KB', () => {
    for (const { file } of rows) if (existsSync(join(folder, file))) expect(text(file).length, file).toBeLessThan(50_000);
  });
});
