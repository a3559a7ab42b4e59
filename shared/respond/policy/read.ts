import { isMap, isNode, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type * as z from 'zod';
import { TiercelError } from '../../platform/errors.ts';
import { type ActionCatalogue, checkParameters } from '../action/action.ts';
import { compileCondition } from './condition.ts';
import { type Finding, formatFinding } from './finding.ts';
import { type Policy, type Protection, policySchema, protectSchema } from './schema.ts';

/** Policies as checked and merged from all files. */
export interface PolicySet {
  readonly policies: readonly Policy[];
  readonly protection: Protection;
}

export interface PolicyFile {
  /** Path as messages should name it. */
  readonly path: string;
  readonly text: string;
}

export class PolicyError extends TiercelError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(
      'respond.policy',
      `${findings.length} problem${findings.length === 1 ? '' : 's'} in the policies:\n${findings.map(formatFinding).join('\n')}`,
    );
    this.findings = findings;
  }
}

/** Reads policy files. Protections of all files add up; nothing a later file says takes one away. */
export function readPolicies(
  files: readonly PolicyFile[],
  actions: ActionCatalogue,
): { readonly set: PolicySet; readonly findings: readonly Finding[] } {
  const policies: Policy[] = [];
  const protection = { namespaces: [], names: [], labels: [], namespaceLabels: [], nodes: [], users: [], groups: [] } as Record<
    keyof Protection,
    string[]
  >;
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const file of files) {
    const document = openDocument(file, findings);
    if (!document) continue;
    const { root, at } = document;
    for (const [index, item] of root.entries()) {
      const isProtection = isMap(item) && item.has('protect');
      const parsed = (isProtection ? protectSchema : policySchema).safeParse(isNode(item) ? item.toJSON() : item);
      if (!parsed.success) {
        for (const issue of parsed.error.issues) findings.push(at([index, ...issue.path], describeIssue(issue)));
      } else if ('protect' in parsed.data) {
        for (const kind of Object.keys(protection) as (keyof Protection)[]) protection[kind].push(...(parsed.data.protect[kind] ?? []));
      } else {
        const policy = parsed.data;
        const other = seen.get(policy.policy);
        if (other) findings.push(at([index, 'policy'], `a policy named ${policy.policy} stands in ${other} already; names are unique`));
        seen.set(policy.policy, file.path);
        for (const [order, step] of policy.actions.entries()) {
          for (const problem of checkParameters(actions, step.action, step.with)) {
            findings.push(at([index, 'actions', order, ...problem.path], problem.message));
          }
        }
        const changing = policy.actions.flatMap(({ action }, order) => (actions.get(action)?.undo === 'none' ? [] : [order]));
        if (policy.approval && changing.length !== 1) {
          findings.push(
            at(
              [index, 'approval'],
              'approval: expected exactly one action that changes something in the cluster: an approval is for one thing, and the others do not wait for it',
            ),
          );
        }
        if (policy.ttl !== undefined) {
          for (const [order, step] of policy.actions.entries()) {
            if (actions.get(step.action)?.undo !== 'operator') continue;
            findings.push(
              at([index, 'actions', order, 'action'], `${step.action} cannot be taken back by respond, so it cannot have a ttl`),
            );
          }
        }
        const compiled = policy.match.condition === undefined ? { condition: () => true } : compileCondition(policy.match.condition);
        if ('problem' in compiled)
          findings.push(
            at([index, 'match', 'condition'], `at byte ${compiled.problem.offset} of the condition: ${compiled.problem.message}`),
          );
        else policies.push({ ...policy, condition: compiled.condition });
      }
    }
  }
  return { set: { policies, protection }, findings };
}

/** As {@link readPolicies}. @throws PolicyError listing every problem of every file. */
export function loadPolicies(files: readonly PolicyFile[], actions: ActionCatalogue): PolicySet {
  const { set, findings } = readPolicies(files, actions);
  if (findings.length > 0) throw new PolicyError(findings);
  return set;
}

type Path = readonly PropertyKey[];

function openDocument(
  file: PolicyFile,
  findings: Finding[],
): { root: readonly unknown[]; at: (path: Path, message: string) => Finding } | undefined {
  const counter = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: counter, uniqueKeys: true, prettyErrors: false });
  const lines = file.text.split(/\r?\n/);
  const finding = (offset: number, message: string): Finding => {
    const { line, col } = counter.linePos(offset);
    return { file: file.path, line: Math.max(1, line), column: Math.max(1, col), message, excerpt: lines[line - 1] ?? '' };
  };
  if (document.errors.length > 0) {
    findings.push(...document.errors.map((error) => finding(error.pos[0], error.message)));
    return undefined;
  }
  const root = document.contents;
  if (!isSeq(root)) {
    findings.push(finding(root?.range?.[0] ?? 0, 'expected a list of policies (`- policy: …`) and protections (`- protect: …`)'));
    return undefined;
  }
  return {
    root: root.items,
    at: (path, message) => {
      // The deepest node that exists on the way: a missing member is reported at its parent.
      let node: Node = root;
      for (let depth = 1; depth <= path.length; depth++) {
        const found = document.getIn(path.slice(0, depth), true);
        if (!isNode(found)) break;
        node = found;
      }
      return finding(node.range?.[0] ?? 0, message);
    },
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return `${where}${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}
