import type { Check, Need } from '../checks/check.ts';
import type { DeployedStage } from '../checks/stage.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Need['condition'];
}

/** The IAM policy of a role that may run these checks and nothing else. Needs about the same resources become one statement. */
export function doctorPolicy(
  checks: readonly Check[],
  stage: DeployedStage,
): { readonly Version: string; readonly Statement: readonly Statement[] } {
  const together = new Map<string, Need & { readonly from: string }>();
  for (const check of checks) {
    for (const need of check.needs(stage)) {
      if (need.resources.length === 0) continue;
      const key = JSON.stringify([need.resources, need.condition]);
      const before = together.get(key);
      together.set(key, { ...need, from: before?.from ?? check.id, actions: [...new Set([...(before?.actions ?? []), ...need.actions])] });
    }
  }
  const used = new Map<string, number>();
  return {
    Version: '2012-10-17',
    Statement: [...together.values()].map(({ from, actions, resources, condition }) => {
      const count = (used.get(from) ?? 0) + 1;
      used.set(from, count);
      return {
        Sid: `${from.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase())}${count > 1 ? count : ''}`,
        Effect: 'Allow',
        Action: [...actions].sort(),
        Resource: [...resources],
        ...(condition === undefined ? {} : { Condition: condition }),
      };
    }),
  };
}
