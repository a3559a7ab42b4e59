import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditEvent } from '../../../../events/generate.ts';
import { type AuditRecord, type EventFacts, eventFacts, eventKey, type MacKey, macOf, verifyMac } from '../../../../shared/audit/index.ts';
import { LONG_URI_BYTES, writeFacts } from '../../../../shared/audit/key.ts';

const key: MacKey = { id: 'k1', secret: Buffer.alloc(32, 7) };
const previous: MacKey = { id: 'k0', secret: Buffer.alloc(80, 9) };

function record(text: string): AuditRecord {
  return {
    raw: Buffer.from(text),
    origin: { kind: 'file', path: 'x', offset: 0, line: 1 },
    identity: { cluster: 'prod', account: '123456789012', region: 'eu-west-1' },
  };
}

const pod = (edit: (event: { requestURI: string; user: object }) => void = () => {}) => {
  const event = JSON.parse(auditEvent('privileged-pod'));
  edit(event);
  return JSON.stringify(event);
};

const facts = fc.record({
  ...Object.fromEntries(
    Object.keys(eventFacts(record(auditEvent('exec-started')))).map((name) => [name, fc.string({ maxLength: 6, unit: 'binary' })]),
  ),
}) as unknown as fc.Arbitrary<EventFacts>;

describe('event key', () => {
  it('is the same from the text and from the facts an alert shows', () => {
    for (const name of ['exec-started', 'bind-cluster-admin', 'invalid-token', 'secret-list-cluster', 'ephemeral-container']) {
      expect(eventKey(eventFacts(record(auditEvent(name))))).toBe(eventKey(record(auditEvent(name))));
    }
  });

  it.each([
    ['of no cluster that is known', record(pod()), {}],
    ['with names beyond ASCII', record(pod((event) => Object.assign(event.user, { username: 'zoë', groups: ['équipe', '管理'] })))],
    ['whose caller has one group', record(pod((event) => Object.assign(event.user, { groups: ['a'] })))],
    ['whose caller has a group without a name', record(pod((event) => Object.assign(event.user, { groups: [''] })))],
    [
      'whose groups hold quotes, blanks and backslashes',
      record(pod((event) => Object.assign(event.user, { groups: ['a"b', 'c d', 'e\\f', 'g\th'] }))),
    ],
    ['whose groups are spelled with blanks', record(pod().replace(/"groups":\[[^\]]*\]/, '"groups": [ "a" , "b" ]'))],
    ['whose groups are spelled with escapes', record(pod().replace(/"groups":\[[^\]]*\]/, '"groups":["\\u0061","b\\/c"]'))],
    ...[510, 511, 512, 513].map(
      (bytes) => [`with a URI of ${bytes} bytes`, record(pod((event) => (event.requestURI = '/'.padEnd(bytes, 'x'))))] as const,
    ),
    ['with a URI that is long in bytes alone', record(pod((event) => (event.requestURI = `/${'é'.repeat(300)}`)))],
  ] as const)('is the same from both for an event %s', (_, { raw, origin, identity }, more = identity) => {
    const event = { raw, origin, identity: more };
    expect(eventKey(eventFacts(event))).toBe(eventKey(event));
    expect(macOf(key, eventFacts(event))).toBe(macOf(key, event));
  });

  it('reads the facts as Falco renders them', () => {
    expect(eventFacts(record(auditEvent('secret-list-cluster')))).toMatchObject({
      cluster: 'prod',
      verb: 'list',
      requestURI: '/api/v1/secrets?limit=500',
      username: 'carol@example.com',
      resource: 'secrets',
      namespace: '',
      code: '200',
    });
    expect(eventFacts(record('{"auditID":null,"verb":"\\u0067et","user":{"username":7,"username":"b"},"objectRef":[1]}'))).toMatchObject({
      auditID: 'null',
      verb: 'get',
      username: '7',
      resource: '',
    });
  });

  it('differs when any of its facts differs, and no text can be moved between two facts', () => {
    const inKey = [
      'cluster',
      'auditID',
      'requestReceivedTimestamp',
      'verb',
      'requestURI',
      'username',
      'resource',
      'subresource',
      'namespace',
      'name',
      'uid',
      'apiGroup',
      'apiVersion',
    ];
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        const same = inKey.every((name) => a[name as keyof EventFacts] === b[name as keyof EventFacts]);
        expect(eventKey(a) === eventKey(b)).toBe(same);
      }),
    );
    const base = eventFacts(record(auditEvent('exec-started')));
    for (const [index, name] of inKey.slice(1).entries()) {
      const before = inKey[index] as keyof EventFacts;
      const moved = { ...base, [before]: `${base[before]}${base[name as keyof EventFacts]}`, [name]: '' };
      if (base[name as keyof EventFacts] !== '') expect(eventKey(moved)).not.toBe(eventKey(base));
    }
  });

  it('knows a long URI by its digest, and shows in it whether a dry run was asked for', () => {
    const uri = `/api/v1/pods?fieldManager=${'é'.repeat(300)}`;
    const long = (whole: string) =>
      eventFacts(record(auditEvent('exec-started').replace(/"requestURI":"[^"]*"/, `"requestURI":"${whole}"`)));
    expect(long(uri).requestURI).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(long(`${uri}&dryRun=All`).requestURI).toMatch(/^sha256:[0-9a-f]{64}\?dryRun$/);
    expect(long(`/${'x'.repeat(LONG_URI_BYTES - 2)}`).requestURI).toHaveLength(LONG_URI_BYTES - 1);
    expect(long(`/${'x'.repeat(LONG_URI_BYTES - 1)}`).requestURI).toHaveLength(71);
  });

  it('holds with texts longer than what is set aside for them', () => {
    const long = auditEvent('exec-started').replace('"requestURI":"', `"requestURI":"/${'a'.repeat(200_000)}`);
    expect(eventKey(eventFacts(record(long)))).toBe(eventKey(record(long)));
    expect(eventKey(record(long))).not.toBe(eventKey(record(auditEvent('exec-started'))));
  });
});

describe('MAC', () => {
  it('is HMAC-SHA-256 over the facts', () => {
    fc.assert(
      fc.property(facts, fc.constantFrom(key, previous), (some, by) => {
        const expected = createHmac('sha256', by.secret).update(writeFacts(some, 0)).digest('base64url');
        expect(macOf(by, some)).toBe(`${by.id}.${expected}`);
      }),
      { numRuns: 50 },
    );
  });

  it('verifies under the current and the previous key', () => {
    const event = record(auditEvent('exec-started'));
    const verdict = { ok: true, eventKey: eventKey(event) };
    expect(verifyMac([key, previous], macOf(key, event), eventFacts(event))).toEqual(verdict);
    expect(verifyMac([key, previous], macOf(previous, event), eventFacts(event))).toEqual(verdict);
    expect(verifyMac([key], macOf(previous, event), event)).toEqual({ ok: false, reason: 'unknown-key' });
  });

  it('verifies for no other facts, and no other text', () => {
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        expect(verifyMac([key], macOf(key, a), b).ok).toBe(isDeepStrictEqual(a, b));
      }),
    );
    fc.assert(
      fc.property(facts, fc.constantFrom(...Object.keys(eventFacts(record(auditEvent('exec-started'))))), (some, name) => {
        const fact = some[name as keyof EventFacts];
        const changed = { ...some, [name]: `${fact}x` };
        expect(verifyMac([key], macOf(key, some), changed)).toEqual({ ok: false, reason: 'mismatch' });
      }),
    );
    const event = eventFacts(record(auditEvent('exec-forbidden')));
    expect(verifyMac([key], macOf(key, event), { ...event, code: '201' })).toEqual({ ok: false, reason: 'mismatch' });
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(verifyMac([key], text, event).ok).toBe(false);
        expect(verifyMac([key], `k1.${text}`, event).ok).toBe(false);
      }),
    );
    expect(verifyMac([key], undefined, event)).toEqual({ ok: false, reason: 'no-mac' });
  });

  it('refuses keys that are too short or would not fit into the stamp', () => {
    expect(() => macOf({ id: 'k', secret: Buffer.alloc(31) }, record(auditEvent('exec-started')))).toThrow(/at least 32 bytes, got 31/);
    expect(() => macOf({ id: 'a.b', secret: Buffer.alloc(32) }, record(auditEvent('exec-started')))).toThrow(/letters, digits/);
  });
});
