export { type Coverage, measureCoverage } from './coverage.ts';
export { type MutationReport, runMutations } from './mutate.ts';
export { junitReport, tally } from './report.ts';
export { type CaseResult, runTestFile } from './run.ts';
export type { Loads, TesterFiles } from './subject.ts';
