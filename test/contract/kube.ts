import { describe, expect, it } from 'vitest';
import type { JsonValue, KubeClient, ObjectReference } from '../../shared/platform/kube/index.ts';

const CALL = { auditId: 'contract' };
let serial = 0;

/** What respond relies on of the Kubernetes API. Run on a real API server, so that the one in memory, which other tests run on, is known to be like it. */
export function kubeContract(name: string, open: () => KubeClient): void {
  describe(`Kubernetes API: ${name}`, () => {
    const configMap = (): ObjectReference => ({
      apiGroup: '',
      apiVersion: 'v1',
      resource: 'configmaps',
      namespace: 'default',
      name: `contract-${++serial}`,
    });
    const manifest = (
      { name: called, namespace = '' }: ObjectReference,
      labels: Record<string, string> = { a: '1', b: '2' },
    ): JsonValue => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: called, namespace, labels }, data: { k: 'v' } });
    const made = async () => {
      const reference = configMap();
      return { client: open(), reference, live: await open().create(reference, manifest(reference), CALL) };
    };

    it('gives what was created an identity of its own', async () => {
      const { client, reference, live } = await made();
      expect(live.metadata).toMatchObject({ name: reference.name, labels: { a: '1', b: '2' } });
      expect(live.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(live.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect((await client.get(reference, CALL))?.metadata.uid).toBe(live.metadata.uid);
      expect(await client.get(configMap(), CALL)).toBeUndefined();
    });

    it('answers 409 to a creation under a name that is taken', async () => {
      const { client, reference } = await made();
      await expect(client.create(reference, manifest(reference), CALL)).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    });

    it('merges a patch, null removes, and every write changes the resourceVersion', async () => {
      const { client, reference, live } = await made();
      const { uid, resourceVersion } = live.metadata;
      const patched = await client.patch(
        reference,
        { metadata: { uid, resourceVersion, labels: { a: null, c: '3' }, annotations: { x: 'y' } } },
        CALL,
      );
      expect(patched.metadata).toMatchObject({ uid, labels: { b: '2', c: '3' }, annotations: { x: 'y' } });
      expect(patched.metadata.labels).not.toHaveProperty('a');
      expect(patched.metadata.resourceVersion).not.toBe(resourceVersion);
      expect(patched.data).toEqual({ k: 'v' });
    });

    it('answers 409 to a patch of another version, 422 to one of another UID, 404 to one of nothing', async () => {
      const { client, reference, live } = await made();
      const { uid, resourceVersion } = live.metadata;
      const patch = (metadata: JsonValue) => client.patch(reference, { metadata }, CALL);
      await expect(patch({ uid, resourceVersion: '1', labels: { z: '1' } })).rejects.toMatchObject({ status: 409 });
      await expect(patch({ uid: 'another', resourceVersion: '1', labels: { z: '1' } })).rejects.toMatchObject({ status: 409 });
      await expect(patch({ uid: 'another', resourceVersion, labels: { z: '1' } })).rejects.toMatchObject({ status: 422 });
      await expect(client.patch(configMap(), { metadata: { labels: { z: '1' } } }, CALL)).rejects.toMatchObject({ status: 404 });
      expect((await client.get(reference, CALL))?.metadata.resourceVersion).toBe(resourceVersion);
    });

    it('deletes only what the preconditions name', async () => {
      const { client, reference, live } = await made();
      const { uid, resourceVersion } = live.metadata;
      await expect(client.delete(reference, { uid: 'another' }, CALL)).rejects.toMatchObject({ status: 409 });
      await expect(client.delete(reference, { uid, resourceVersion: '1' }, CALL)).rejects.toMatchObject({ status: 409 });
      await client.delete(reference, { uid, resourceVersion, propagationPolicy: 'Background' }, CALL);
      expect(await client.get(reference, CALL)).toBeUndefined();
      await expect(client.delete(reference, { uid }, CALL)).rejects.toMatchObject({ status: 404 });
    });

    it('keeps what was deleted until its finalizers are gone', async () => {
      const client = open();
      const reference = configMap();
      const held = manifest(reference) as { metadata: Record<string, JsonValue> };
      const { metadata } = await client.create(
        reference,
        { ...held, metadata: { ...held.metadata, finalizers: ['example.com/x', 'example.com/y'] } },
        CALL,
      );
      const { uid, resourceVersion } = metadata;
      await client.delete(reference, { uid, resourceVersion }, CALL);
      await expect(client.delete(reference, { uid, resourceVersion }, CALL)).rejects.toMatchObject({ status: 409 });
      await client.delete(reference, { uid }, CALL);
      const kept = await client.get(reference, CALL);
      expect(kept?.metadata).toMatchObject({ uid, finalizers: ['example.com/x', 'example.com/y'] });
      expect(kept?.metadata.deletionTimestamp).toBeDefined();
      await expect(client.patch(reference, { metadata: { uid: 'another', finalizers: null } }, CALL)).rejects.toMatchObject({
        status: 422,
      });
      await client.patch(reference, { metadata: { uid, finalizers: null } }, CALL);
      expect(await client.get(reference, CALL)).toBeUndefined();
    });

    it('gives what is made again under a name another UID', async () => {
      const { client, reference, live } = await made();
      await client.delete(reference, { uid: live.metadata.uid }, CALL);
      const again = await client.create(reference, manifest(reference), CALL);
      expect(again.metadata.uid).not.toBe(live.metadata.uid);
    });

    it('lists the events about one object, and no more than asked for', async () => {
      const client = open();
      const about = `uid-${++serial}`;
      const events = { apiGroup: '', apiVersion: 'v1', resource: 'events', namespace: 'default' };
      for (const [name, uid] of [
        ['one', about],
        ['two', about],
        ['other', 'another'],
      ] as const) {
        const metadata = { name: `${name}-${about}`, namespace: 'default' };
        const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p', uid };
        await client.create(events, { apiVersion: 'v1', kind: 'Event', metadata, involvedObject, reason: 'Testing' }, CALL);
      }
      const list = async (atMost?: number) => {
        const options = { fieldSelector: `involvedObject.uid=${about}`, ...(atMost === undefined ? {} : { atMost }) };
        return (await client.list(events, CALL, options)).map(({ metadata }) => metadata.name);
      };
      expect((await list()).sort()).toEqual([`one-${about}`, `two-${about}`]);
      expect(await list(1)).toHaveLength(1);
    });

    it('lists a namespace, items without their kind', async () => {
      const { client, reference } = await made();
      const { name: called, ...collection } = reference;
      const item = (await client.list(collection, CALL)).find(({ metadata }) => metadata.name === called);
      expect(item?.metadata.labels).toEqual({ a: '1', b: '2' });
      expect(item?.kind).toBeUndefined();
      expect(await client.list({ ...collection, namespace: 'kube-node-lease' }, CALL)).not.toContainEqual(item);
      const { namespace: _namespace, ...everywhere } = collection;
      expect(await client.list(everywhere, CALL)).toContainEqual(item);
    });
  });
}
