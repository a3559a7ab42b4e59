export { LIST_OPERATORS, MODIFIERS, STRING_OPERATORS } from './check.ts';
export { MAX_CONDITION_BYTES, MAX_DEPTH, type ParseResult, parseCondition } from './parser.ts';
export { printCheck, printCondition, printOperand } from './printer.ts';
