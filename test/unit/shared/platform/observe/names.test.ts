import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../../../shared/platform/observe/names.ts';

const root = resolve(import.meta.dirname, '../../../../..');
const sources = ['functions', 'shared'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('observe/names.ts'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8')),
);

describe('the table of metrics', () => {
  it.each(Object.keys(METRICS))('has nothing that is never emitted: %s', (name) => {
    expect(sources.some((text) => new RegExp(`['"]${name}['"]|\\b${name}:`).test(text))).toBe(true);
  });
});
