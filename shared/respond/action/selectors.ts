import type { KubeObject } from '../../platform/kube/index.ts';

type Labels = Readonly<Record<string, string>>;

/** A LabelSelector as NetworkPolicies and workload controllers carry it. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

/** Kubernetes' semantics: all parts must hold, an empty selector selects everything, an unknown operator is taken to select. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      return true;
    })
  );
}

/** Labels of the pod that this selector needs: without them it selects the pod no more. Empty when nothing the pod could lose would change it. */
export function neededLabels(selector: LabelSelector, labels: Labels): readonly string[] {
  const positive = (selector.matchExpressions ?? [])
    .filter(({ operator }) => operator === 'In' || operator === 'Exists')
    .map(({ key }) => key);
  return [...Object.keys(selector.matchLabels ?? {}), ...positive].filter((key) => labels[key] !== undefined);
}

/** What selects pods by label in a namespace: Services, NetworkPolicies, the pod's controller. Anything without a selector is left out. */
export function selectorOf(object: KubeObject): LabelSelector | undefined {
  const spec = object.spec as { selector?: unknown; podSelector?: LabelSelector } | undefined;
  if (object.kind === 'NetworkPolicy' || spec?.podSelector !== undefined) return spec?.podSelector ?? {};
  const selector = spec?.selector;
  if (typeof selector !== 'object' || selector === null) return undefined;
  const labelSelector = selector as LabelSelector;
  // A Service and a ReplicationController have a plain map of labels, everything newer a LabelSelector.
  const plain = labelSelector.matchLabels === undefined && labelSelector.matchExpressions === undefined;
  if (!plain) return labelSelector;
  return Object.keys(selector).length === 0 ? undefined : { matchLabels: selector as Labels };
}
