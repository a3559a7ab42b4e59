import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** `platform ← audit ← falco ← respond ← flows ← functions | cli` (docs/concepts.md). A layer may import itself and what stands left of it. */
const LAYERS: readonly { name: string; folder: string; mayImport: readonly string[] }[] = [
  { name: 'platform', folder: 'shared/platform', mayImport: [] },
  { name: 'audit', folder: 'shared/audit', mayImport: ['platform'] },
  { name: 'falco', folder: 'shared/falco', mayImport: ['platform', 'audit'] },
  { name: 'respond', folder: 'shared/respond', mayImport: ['platform', 'audit', 'falco'] },
  { name: 'flows', folder: 'shared/flows', mayImport: ['platform', 'audit', 'falco', 'respond'] },
  { name: 'functions', folder: 'functions', mayImport: ['platform', 'audit', 'falco', 'respond', 'flows'] },
  { name: 'infra', folder: 'infra', mayImport: ['platform'] },
  { name: 'cli', folder: 'cli', mayImport: ['platform', 'audit', 'falco', 'respond', 'flows', 'functions', 'infra'] },
];

/** `respond` takes from `falco` only the alert and the engine's public door. */
const RESPOND_TAKES_FROM_FALCO = ['shared/falco/alert.ts', 'shared/falco/engine/index.ts'];

const FORBIDDEN_FOLDERS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc']);

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function layerOf(path: string) {
  const name = relative(root, path);
  return LAYERS.find((layer) => name.startsWith(`${layer.folder}/`));
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.{1,2}\/[^']+)'/g)].map((m) => resolve(dirname(path), m[1]!));
}

describe('import law', () => {
  for (const layer of LAYERS) {
    it(`${layer.name} imports only ${['itself', ...layer.mayImport].join(', ')}`, () => {
      const breaches = sources(layer.folder).flatMap((path) =>
        importsOf(path)
          .filter((target) => {
            const other = layerOf(target);
            // The project's name and version belong to no layer.
            if (!other) return relative(root, target) !== 'package.json';
            return other !== layer && !layer.mayImport.includes(other.name);
          })
          .map((target) => `${relative(root, path)} → ${relative(root, target)}`),
      );
      expect(breaches).toEqual([]);
    });
  }

  it('respond takes from falco only the alert and the engine door', () => {
    const breaches = sources('shared/respond').flatMap((path) =>
      importsOf(path)
        .map((target) => relative(root, target))
        .filter((target) => target.startsWith('shared/falco/') && !RESPOND_TAKES_FROM_FALCO.includes(target))
        .map((target) => `${relative(root, path)} → ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('no folder has a name that says nothing', () => {
    const folders = ['functions', 'shared', 'cli', 'infra', 'rules', 'test'].flatMap((top) =>
      readdirSync(join(root, top), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isDirectory() && FORBIDDEN_FOLDERS.has(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    );
    expect(folders).toEqual([]);
  });
});
