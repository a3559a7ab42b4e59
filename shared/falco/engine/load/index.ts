export { type LoadOptions, type LoadResult, loadRules, type RulesFile } from './load.ts';
export type { LoadedRule } from './rule.ts';
export type { Selection } from './selection.ts';
