import type { Check, Constant, Expression, Operand, TransformerArgument } from '../ast.ts';

/**
 * The canonical text of a condition tree: one blank between tokens, parentheses only where the tree needs them.
 * Parsing it gives the same tree again (spans aside).
 */
export function printCondition(tree: Expression): string {
  switch (tree.type) {
    case 'or':
      return tree.children.map((child) => (child.type === 'or' ? `(${printCondition(child)})` : printCondition(child))).join(' or ');
    case 'and':
      return tree.children.map((child) => (isJunction(child) ? `(${printCondition(child)})` : printCondition(child))).join(' and ');
    case 'not':
      return `not ${isJunction(tree.child) || tree.child.type === 'not' ? `(${printCondition(tree.child)})` : printCondition(tree.child)}`;
    case 'identifier':
      // A macro called `not` is only read as a name where no blank follows it.
      return tree.name === 'not' ? '(not)' : tree.name;
    default:
      return printCheck(tree);
  }
}

function isJunction(tree: Expression): boolean {
  return tree.type === 'and' || tree.type === 'or';
}

export function printCheck(check: Check): string {
  const left = printOperand(check.left);
  if (check.type === 'exists') return `${left} exists`;
  const { operator, modifier, right } = check;
  const text =
    right.type === 'constant'
      ? printConstant(right)
      : right.type === 'list'
        ? `(${right.items.map(printConstant).join(', ')})`
        : printOther(right);
  return `${left} ${operator} ${modifier ? `${modifier} ` : ''}${text}`;
}

function printOperand(operand: Operand): string {
  if (operand.type === 'field') return operand.name + brackets(operand.argument);
  return `${operand.name}(${operand.arguments.map(printArgument).join(', ')})${brackets(operand.index)}`;
}

function printOther(operand: Operand): string {
  return operand.type === 'field' ? `val(${printOperand(operand)})` : printOperand(operand);
}

function printArgument(argument: TransformerArgument): string {
  switch (argument.type) {
    case 'constant':
      return printConstant(argument);
    case 'arguments':
      return `(${argument.items.map((item) => (item.type === 'constant' ? printConstant(item) : printOperand(item))).join(', ')})`;
    default:
      return printOperand(argument);
  }
}

function printConstant(constant: Constant): string {
  return constant.form === 'quoted' ? quote(constant.text) : constant.text;
}

function brackets(argument: string | undefined): string {
  if (argument === undefined) return '';
  return `[${/^[^\]["' \t\n\v\f\r]+$/.test(argument) ? argument : quote(argument)}]`;
}

const ESCAPED: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
};

/** A last backslash is written `\ `: after `\\` the closing quote would not count as one. */
function quote(text: string): string {
  return `"${text.replace(/["\\\b\f\n\r\t]/g, (char, at: number) => (char === '\\' && at === text.length - 1 ? '\\ ' : ESCAPED[char]!))}"`;
}
