export { type AlertedRule, type AlertMaker, type AlertOptions, compileAlert } from './alert.ts';
export { type AppendOutput, readAppendOutput } from './append-output.ts';
export { compileOutput } from './output.ts';
export { alertToJson, withUuid } from './serialise.ts';
export { type FormatProblem, fieldsOf, readTokens } from './tokens.ts';
