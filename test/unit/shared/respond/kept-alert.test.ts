import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { isTruncated } from '../../../../shared/respond/fields.ts';
import { keptAlert } from '../../../../shared/respond/kept-alert.ts';
import { bindingAlert, shellAlert } from '../../../support/alerts.ts';

const kept = (fields: Record<string, FieldValue>) => keptAlert({ ...bindingAlert(), output_fields: fields }).output_fields;

describe('the alert as the journal keeps it', () => {
  it('says who did what to which object, and nothing that a request or a command line held', () => {
    const secrets = [
      'ka.req.pod.containers.image',
      'ka.uri.param[command]',
      'ka.uri.param',
      'proc.cmdline',
      'fd.name',
      'evt.args',
      'jevt.value',
      'xka.verb',
      'username',
    ];
    const names = [
      'ka.verb',
      'ka.target.name',
      'tiercel.mac',
      'k8s.pod.name',
      'container.id',
      'container.image.repository',
      'ecs.cluster',
      'cluster',
      'node',
      'user.name',
    ];
    const fields = kept(Object.fromEntries([...secrets, ...names].map((name) => [name, 'x'])));
    expect(Object.keys(fields)).toEqual(names);
    expect(JSON.stringify(keptAlert(shellAlert()))).not.toContain('secret');
  });

  it('keeps the path of a URI, not what was asked with it', () => {
    expect(kept({ 'ka.uri': '/api/v1/pods/x/exec?command=cat&command=a?b', 'ka.verb': 'a?b' })).toEqual({
      'ka.uri': '/api/v1/pods/x/exec',
      'ka.verb': 'a?b',
    });
  });

  it('is the alert in all else, without its output', () => {
    const { hostname: _, output_fields, ...alert } = bindingAlert({}, { output: 'says a secret', uuid: 'u', tags: ['a', 'b'] });
    const { uuid: _u, ...rest } = alert;
    expect(keptAlert({ ...alert, output_fields })).toEqual({ ...rest, output: '', output_fields: expect.anything() });
    const { tags: _t, ...untagged } = bindingAlert();
    expect(keptAlert(untagged)).not.toHaveProperty('tags');
  });

  it('is JSON, so that it comes back as it was kept', () => {
    const fields = kept({ 'ka.a': 1795249494747143001n, 'ka.b': true, 'ka.c': null, 'ka.d': ['x', 'y'], 'ka.e': 1.5, 'ka.__proto__': 'p' });
    expect(fields).toEqual({
      'ka.a': '1795249494747143001',
      'ka.b': true,
      'ka.c': null,
      'ka.d': ['x', 'y'],
      'ka.e': 1.5,
      'ka.__proto__': 'p',
    });
    expect(JSON.parse(JSON.stringify(fields))).toEqual({ ...fields });
  });

  it('cuts long texts, so that they identify nothing any more', () => {
    const {
      'ka.a': whole,
      'ka.b': long,
      'ka.c': wide,
    } = kept({ 'ka.a': 'x'.repeat(1024), 'ka.b': 'x'.repeat(1025), 'ka.c': 'é'.repeat(600) });
    expect(whole).toBe('x'.repeat(1024));
    expect(long).toBe(`${'x'.repeat(1019)}[...]`);
    expect([whole, long, wide].map(isTruncated)).toEqual([false, true, true]);
    expect(keptAlert(bindingAlert({}, { tags: Array(40).fill('t'.repeat(2000)) })).tags).toEqual(
      Array(32).fill(`${'t'.repeat(1019)}[...]`),
    );
  });

  it('takes no part of a list for the whole of it', () => {
    const list = (bytes: number) => [...Array(15).fill('g'.repeat(1021)), 'g'.repeat(bytes - 15 * 1024 - 4)];
    expect(Buffer.byteLength(JSON.stringify(list(16_384)))).toBe(16_384);
    const { 'ka.user.groups': whole, 'ka.b': long } = kept({ 'ka.user.groups': list(16_384), 'ka.b': list(16_385) });
    expect(whole).toEqual(list(16_384));
    expect(long).toHaveLength(1);
    expect(isTruncated(long)).toBe(true);
  });

  it('has a bounded size, whatever a caller wrote', () => {
    const many = kept(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`ka.${at}`, 'x'.repeat(2000)])));
    const bytes = Buffer.byteLength(JSON.stringify(many));
    expect(bytes).toBeGreaterThan(60 * 1024);
    expect(bytes).toBeLessThanOrEqual(64 * 1024);
    expect(Object.keys(many)).toEqual(Array.from({ length: Object.keys(many).length }, (_, at) => `ka.${at}`));
  });
});
