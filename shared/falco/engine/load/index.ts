export { type LoadOptions, type LoadResult, loadRules, type RulesFile, rulesDigest } from './load.ts';
export type { LoadedRule } from './rule.ts';
export type { Selection } from './selection.ts';
