import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rulesPages } from '../../../docs/rules/pages.ts';
import { folder, root } from './pack.ts';

describe('pages about the rules', () => {
  // Renew them with: npx vitest run --project laptop test/unit/rules/pages.test.ts -u
  it.each([...rulesPages(folder)])('docs/rules/%s is what the rules say', async (name, text) => {
    await expect(text).toMatchFileSnapshot(join(root, 'docs/rules', name));
  });
});
