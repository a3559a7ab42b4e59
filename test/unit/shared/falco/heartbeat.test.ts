import { expect, it } from 'vitest';
import { packDigest, packTag } from '../../../../shared/falco/heartbeat.ts';

const digest = 'ab'.repeat(32);

it('finds the digest among other tags, as Falcosidekick hands them on', () => {
  expect(packDigest(['heartbeat', 'k8s', packTag(digest), 'tiercel'])).toBe(digest);
});

it.each([
  ['no tags', undefined],
  ['none', ['heartbeat']],
  ['two', [packTag(digest), packTag('cd'.repeat(32))]],
  ['something that is no digest', ['pack-latest', `pack-${digest}0`, `x-pack-${digest}`]],
])('takes %s for no answer', (_, tags) => {
  expect(packDigest(tags)).toBeUndefined();
});
