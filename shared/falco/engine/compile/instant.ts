import type { EventContext } from '../accept/index.ts';
import type { Check } from '../ast.ts';

/**
 * `jevt.rawtime = 123` as a comparison of numbers: rules use it for what never holds, so it is asked of every event, and the text of the time
 * need not be made for it. Undefined for any other check.
 */
export function compileInstant(check: Check): ((event: EventContext) => boolean) | undefined {
  if (check.type !== 'compare' || check.modifier || check.left.type !== 'field' || check.right.type !== 'constant') return undefined;
  const { operator, left, right } = check;
  if ((operator !== '=' && operator !== '==') || (left.name !== 'jevt.rawtime' && left.name !== 'json.rawtime')) return undefined;
  // Only this spelling can equal what the plugin prints.
  if (!/^(0|[1-9][0-9]{0,19})$/.test(right.text)) return () => false;
  const total = BigInt(right.text);
  const seconds = Number(total / 1_000_000_000n);
  const nanoseconds = Number(total % 1_000_000_000n);
  return (event) => event.moment.seconds === seconds && event.moment.nanoseconds === nanoseconds;
}
