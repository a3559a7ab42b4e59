import type { Deployment } from './deployment.ts';
import { functionKeys, functionSettings } from './function-settings.ts';

/** What Lambda allows for all variables of a function together, as it measures them: their JSON text, **bytes**. */
const MAX_ENVIRONMENT_BYTES = 4096;

/** The address of an interface endpoint, which only CloudFormation knows, is no longer than this. */
const ADDRESS = `https://vpce-0123456789abcdef0-abcdefgh.secretsmanager.ap-southeast-1.vpce.amazonaws.com`;

/** What CloudFormation allows in a stack, and what infra/resources and functions make of it whatever the stage says, at most (a test counts). */
const MAX_RESOURCES = 500;
export const FIXED_RESOURCES = 75;

/** What is too much for AWS; it would say so only when it is deployed. */
export function limitProblem(stage: Deployment): string | undefined {
  return environmentProblem(stage) ?? resourcesProblem(stage);
}

/** A function whose variables are too many or too long, said with the largest of them. */
function environmentProblem(stage: Deployment): string | undefined {
  for (const key of functionKeys()) {
    const { environment, addressed } = functionSettings(key, stage);
    const variables = { ...environment, ...Object.fromEntries(addressed.map((name) => [name, ADDRESS])) };
    const bytes = Buffer.byteLength(JSON.stringify(variables));
    if (bytes > MAX_ENVIRONMENT_BYTES)
      return `expected the variables of ${key} to fit into the ${MAX_ENVIRONMENT_BYTES} bytes that Lambda allows, got ${bytes} bytes: ${largest(variables)}`;
  }
  return undefined;
}

function largest(variables: Readonly<Record<string, string>>): string {
  const sizes = Object.entries(variables).map(([name, value]) => [name, Buffer.byteLength(JSON.stringify(value))] as const);
  const [first, second] = sizes.sort(([, a], [, b]) => b - a).map(([name, bytes]) => `${name} ${bytes}`);
  return `${first}, ${second}`;
}

function resourcesProblem(stage: Deployment): string | undefined {
  const count = FIXED_RESOURCES + madeResources(stage);
  return count > MAX_RESOURCES
    ? `expected at most ${MAX_RESOURCES} resources, which CloudFormation allows in a stack, got ${count}`
    : undefined;
}

/** How many resources are made of what the stage says. */
export function madeResources(stage: Deployment): number {
  const { securityGroups, loadBalancer, endpoints, accessEntries, subscriptions, archives, alarms, views } = stage;
  return [securityGroups, loadBalancer, endpoints, accessEntries, subscriptions, archives, alarms, views].reduce(
    (sum, { Resources }) => sum + Object.keys(Resources).length,
    0,
  );
}
