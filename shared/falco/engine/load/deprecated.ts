import type { Check, Operand, TransformerArgument } from '../ast.ts';

/** Fields Falco gives up because it no longer sees the entry of system calls. No audit event has them; naming one draws a warning besides. */
const FIELDS = ['evt.dir', 'evt.latency', 'evt.latency.s', 'evt.latency.ns', 'evt.latency.human', 'evt.wait_latency'];

/** The deprecated fields on the left sides of checks, each once. */
export function deprecatedFieldsIn(checks: readonly Check[]): readonly { readonly name: string; readonly check: Check }[] {
  const found = new Map<string, Check>();
  for (const check of checks) {
    for (const name of fieldsOf(check.left)) if (FIELDS.includes(name) && !found.has(name)) found.set(name, check);
  }
  return [...found].map(([name, check]) => ({ name, check }));
}

/** The names of deprecated fields that occur in an output, even as plain text: Falco looks no closer. */
export function deprecatedFieldsNamed(output: string): readonly string[] {
  return FIELDS.filter((name) => output.includes(name));
}

function fieldsOf(operand: Operand | TransformerArgument): readonly string[] {
  switch (operand.type) {
    case 'field':
      return [operand.name];
    case 'transformer':
      return operand.arguments.flatMap(fieldsOf);
    case 'arguments':
      return operand.items.flatMap(fieldsOf);
    default:
      return [];
  }
}

const CONTAINER_INFO = '%container.info';

/** Falco takes `%container.info` out of outputs, with a warning. */
export function withoutContainerInfo(output: string): { readonly output: string; readonly changed: boolean } {
  return { output: output.replaceAll(CONTAINER_INFO, ''), changed: output.includes(CONTAINER_INFO) };
}
