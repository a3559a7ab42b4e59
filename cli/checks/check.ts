import type { Clock } from '../../shared/platform/clock.ts';
import type { KubeClient } from '../../shared/platform/kube/index.ts';
import type { PolicySet } from '../../shared/respond/index.ts';
import type { AwsClients } from './aws-clients.ts';
import type { Cluster, DeployedStage } from './stage.ts';

/** What a look at one subject showed. */
export type Finding =
  /** As the stage file wants it. */
  | { readonly verdict: 'ok'; readonly note: string }
  /** Not as it should be. `fix` is a command where one does it, else what to do. */
  | { readonly verdict: 'fault'; readonly expected: string; readonly came: string; readonly fix: string }
  /** Cannot be seen from here, and that may be as it should: `why` says from where it can. */
  | { readonly verdict: 'unchecked'; readonly why: string }
  /** It was asked and no answer came that says anything: a right is missing, a service did not answer. */
  | { readonly verdict: 'unknown'; readonly why: string; readonly fix: string };

/** One thing a check looks at: a cluster, a table, a queue. Subjects are looked at independently: none can hide another. */
export interface Subject {
  readonly name: string;
  look(): Promise<Finding | readonly Finding[]>;
}

/** IAM actions and what they are asked of. */
export interface Need {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** One diagnostic. One file each; `registry.ts` lists them, and docs/reference/doctor.md is made from that list. */
export interface Check {
  readonly id: string;
  /** What is so when nothing is found. */
  readonly title: string;
  /** What goes wrong otherwise. */
  readonly why: string;
  /** What the operator must be allowed to ask. */
  needs(stage: DeployedStage): readonly Need[];
  subjects(context: CheckContext): readonly Subject[];
}

/** What checks ask, and by what they measure. */
export interface CheckContext {
  readonly stage: DeployedStage;
  readonly aws: AwsClients;
  readonly clock: Clock;
  /** The cluster with the operator's own rights. */
  readonly kube: (cluster: Cluster) => Promise<KubeClient>;
  readonly policies: PolicySet;
  /** Folder with the zip files of `npm run package`, to compare deployed code with. */
  readonly packageFolder?: string;
}

export function ok(note: string): Finding {
  return { verdict: 'ok', note };
}

export function fault(expected: string, came: string, fix: string): Finding {
  return { verdict: 'fault', expected, came, fix };
}

export function unchecked(why: string): Finding {
  return { verdict: 'unchecked', why };
}

/**
 * Brings in what the template describes and the stack has not got. CloudFormation compares templates, not what is there: what somebody took away
 * or changed by hand stays so, until it is told to look.
 */
export function restore(stage: DeployedStage): string {
  return `${deploy(stage)}; if it was there and somebody changed it by hand: docs/operate/upgrade.md#put-back-what-was-changed-by-hand`;
}

export function deploy(stage: DeployedStage): string {
  return `npx osls deploy --stage ${stage.name}`;
}
