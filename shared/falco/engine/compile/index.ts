export { type CompiledCondition, compileCondition, compileConditions, type EvaluationHooks } from './condition.ts';
export { readConstant } from './constants.ts';
export { compileOperand } from './operand.ts';
export { OPERATORS } from './operators.ts';
export { compileRegex } from './regex.ts';
export { describe, nameOf, type Shape, ShapeError, shapeOf } from './shape.ts';
