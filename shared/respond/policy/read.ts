import { TiercelError } from '../../platform/errors.ts';
import type { ActionCatalogue } from '../action/action.ts';
import { checkPolicy, type IsField } from './check.ts';
import { compileCondition } from './condition.ts';
import { openDocument, type PolicyFile } from './document.ts';
import { type Fault, faultsFrom } from './fault.ts';
import { type Finding, formatFinding } from './finding.ts';
import { type Policy, type Protection, policySchema, protectSchema } from './schema.ts';

export type { PolicyFile } from './document.ts';

/** Policies as checked and merged from all files. */
export interface PolicySet {
  readonly policies: readonly Policy[];
  readonly protection: Protection;
}

export class PolicyError extends TiercelError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(
      'BAD_POLICY',
      `${findings.length} problem${findings.length === 1 ? '' : 's'} in the policies:\n${findings.map(formatFinding).join('\n')}`,
    );
    this.findings = findings;
  }
}

/**
 * Reads policy files and finds everything that is wrong with them.
 * Protections of all files add up; nothing a later file says takes one away.
 * @param isField tells the fields that alerts can have from slips; without it, any name will do.
 */
export function readPolicies(
  files: readonly PolicyFile[],
  actions: ActionCatalogue,
  isField?: IsField,
): { readonly set: PolicySet; readonly findings: readonly Finding[] } {
  const policies: Policy[] = [];
  const protection = { namespaces: [], names: [], labels: [], namespaceLabels: [], nodes: [], users: [], groups: [] } as Record<
    keyof Protection,
    string[]
  >;
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const file of files) {
    const document = openDocument(file);
    if ('findings' in document) {
      findings.push(...document.findings);
      continue;
    }
    const placed: Finding[] = [];
    for (const [index, item] of document.items.entries()) {
      const faults: Fault[] = [];
      if (isProtection(item)) {
        const parsed = protectSchema.safeParse(item);
        if (!parsed.success) faults.push(...faultsFrom(parsed.error.issues));
        else
          for (const kind of Object.keys(protection) as (keyof Protection)[]) protection[kind].push(...(parsed.data.protect[kind] ?? []));
      } else {
        const parsed = policySchema.safeParse(item);
        faults.push(...(parsed.success ? [] : faultsFrom(parsed.error.issues)), ...checkPolicy(item, actions, isField));
        const { policy: name } = (item ?? {}) as { readonly policy?: unknown };
        if (typeof name === 'string') {
          const other = seen.get(name);
          if (other) faults.push({ path: ['policy'], message: `a policy named ${name} stands in ${other} already; names are unique` });
          seen.set(name, file.path);
        }
        if (parsed.success && faults.length === 0) policies.push({ ...parsed.data, condition: conditionOf(parsed.data.match.condition) });
      }
      placed.push(...faults.map((fault) => document.place({ ...fault, path: [index, ...fault.path] })));
    }
    findings.push(...placed.sort((a, b) => a.line - b.line || a.column - b.column));
  }
  return { set: { policies, protection }, findings };
}

/** As {@link readPolicies}. @throws PolicyError listing every problem of every file. */
export function loadPolicies(files: readonly PolicyFile[], actions: ActionCatalogue): PolicySet {
  const { set, findings } = readPolicies(files, actions);
  if (findings.length > 0) throw new PolicyError(findings);
  return set;
}

function isProtection(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'protect' in item;
}

/** A text that does not compile, which {@link checkPolicy} has found, would match nothing. */
function conditionOf(text: string | undefined): Policy['condition'] {
  if (text === undefined) return () => true;
  const compiled = compileCondition(text);
  return 'condition' in compiled ? compiled.condition : () => false;
}
