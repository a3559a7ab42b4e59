export { junitReport, type Tally, tally } from './report.ts';
export { type CaseResult, runTestFile, type TesterFiles } from './run.ts';
