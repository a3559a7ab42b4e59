import { type LoadedRule, rulesDigest } from './engine/index.ts';

/** The rule that lets a synthetic event come back as an alert (rules/falco/95-heartbeat.yaml). */
export const HEARTBEAT_RULE = 'Tiercel Heartbeat';

/** What of an alert or a rule names the rules beside it. Tags travel as data; the text of an output may be rewritten on the way. */
const PACK_TAG = /^pack-([0-9a-f]{64})$/;

/** The digest of all rules but the heartbeat: what its tag says, `falco.rulesDigest` of a stage names, and a beat brings back. */
export function digestBesideHeartbeat(rules: readonly LoadedRule[]): string {
  return rulesDigest(rules.filter(({ name }) => name !== HEARTBEAT_RULE));
}

/** The tag under which the heartbeat rule carries the digest of all other rules. */
export function packTag(digest: string): string {
  return `pack-${digest}`;
}

/** The digest among the tags of a heartbeat; `undefined` where there is none, or more than one. */
export function packDigest(tags: readonly string[] = []): string | undefined {
  const found = tags.flatMap((tag) => PACK_TAG.exec(tag)?.[1] ?? []);
  return found.length === 1 ? found[0] : undefined;
}
