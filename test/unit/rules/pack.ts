import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import type { RulesFile } from '../../../shared/falco/engine/index.ts';

export const root = resolve(import.meta.dirname, '../../..');
export const folder = join(root, 'rules/falco');

/** The pack's rules files in order of loading. */
export function packFiles(): readonly RulesFile[] {
  return readdirSync(folder)
    .filter((name) => /(?<!\.test)\.yaml$/.test(name))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

const mappedRule = z.strictObject({
  file: z.string(),
  attack: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)).min(1),
  threat_matrix: z.array(z.string()).default([]),
  stratus: z.array(z.string().regex(/^(k8s|eks)\.[a-z-]+\.[a-z-]+$/)).default([]),
  guardduty: z.array(z.string().regex(/^[A-Za-z]+:Kubernetes\/[A-Za-z.!]+$/)).default([]),
});
const attackType = z.strictObject({ rule: z.string().optional(), why_none: z.string().optional(), below_notice: z.string().optional() });
const technique = z.strictObject({ id: z.int(), name: z.string(), rules: z.array(z.string()), why: z.string().optional() });
const mapping = z.strictObject({
  rules: z.record(z.string(), mappedRule),
  attack_types: z.record(z.string(), attackType),
  techniques: z.array(technique),
});

/** What each rule is for: rules/falco/mapping/mapping.yaml, checked. */
export function readMapping(): z.infer<typeof mapping> {
  return mapping.parse(parse(readFileSync(join(folder, 'mapping/mapping.yaml'), 'utf8')));
}
