export { LIST_OPERATORS, MODIFIERS, STRING_OPERATORS } from './check.ts';
export { MAX_CONDITION_BYTES, MAX_DEPTH, parseCondition } from './parser.ts';
export { printCheck, printCondition } from './printer.ts';
