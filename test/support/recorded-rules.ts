import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const SHIPPED = resolve(import.meta.dirname, '../../../shared/conformance/k8s_audit_rules.yaml');

/** Falco's own rules for audit events where they lie beside the checkout. */
export function recordedRules(): { readonly name: string; readonly paths: readonly string[] }[] {
  return existsSync(SHIPPED) ? [{ name: "Falco's rules", paths: [SHIPPED] }] : [];
}
