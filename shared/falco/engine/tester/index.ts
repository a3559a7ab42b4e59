export { junitReport, tally } from './report.ts';
export { type CaseResult, runTestFile } from './run.ts';
export type { Loads, TesterFiles } from './subject.ts';
