export { junitReport, tally } from './report.ts';
export { type CaseResult, type Loads, runTestFile, type TesterFiles } from './run.ts';
