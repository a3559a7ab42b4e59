import type { Deployment } from './deployment.ts';
import { functionKeys, functionSettings } from './function-settings.ts';

/** What Lambda allows for all variables of a function together, as it measures them: their JSON text, **bytes**. */
const MAX_BYTES = 4096;

/** The address of an interface endpoint, which only CloudFormation knows, is no longer than this. */
const ADDRESS = `https://vpce-0123456789abcdef0-abcdefgh.secretsmanager.ap-southeast-1.vpce.amazonaws.com`;

/** A function whose variables are too many or too long to be deployed, said with the largest of them; none is the usual case. */
export function environmentProblem(stage: Deployment): string | undefined {
  for (const key of functionKeys()) {
    const { environment, addressed } = functionSettings(key, stage);
    const variables = { ...environment, ...Object.fromEntries(addressed.map((name) => [name, ADDRESS])) };
    const bytes = Buffer.byteLength(JSON.stringify(variables));
    if (bytes > MAX_BYTES)
      return `expected the variables of ${key} to fit into the ${MAX_BYTES} bytes that Lambda allows, got ${bytes} bytes: ${largest(variables)}`;
  }
  return undefined;
}

function largest(variables: Readonly<Record<string, string>>): string {
  const sizes = Object.entries(variables).map(([name, value]) => [name, Buffer.byteLength(JSON.stringify(value))] as const);
  const [first, second] = sizes.sort(([, a], [, b]) => b - a).map(([name, bytes]) => `${name} ${bytes}`);
  return `${first}, ${second}`;
}
