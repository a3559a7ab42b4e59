import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rulesPages } from '../../../docs/rules/pages.ts';
import { folder, root } from './pack.ts';

describe('pages about the rules', () => {
  // `npm run docs` renews them.
  it.each([...rulesPages(folder)])('docs/rules/%s is what the rules say', async (name, text) => {
    await expect(text).toMatchFileSnapshot(join(root, 'docs/rules', name));
  });
});
