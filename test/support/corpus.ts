import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const root = resolve(import.meta.dirname, '../..');
const RECORDED = resolve(root, '../shared/audit/eks.ndjson.gz');

/** Raw texts of the recorded cluster's events where they lie beside the checkout, else of the project's own samples. */
export function corpus(): { readonly name: string; readonly events: readonly string[] } {
  if (existsSync(RECORDED)) {
    return { name: 'recorded cluster', events: gunzipSync(readFileSync(RECORDED)).toString().trim().split('\n') };
  }
  const folder = join(root, 'events/audit');
  const samples = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return { name: 'samples', events: samples.map((name) => JSON.stringify(JSON.parse(readFileSync(join(folder, name), 'utf8')))) };
}

/** An event's text as it was before it was stamped: our annotations stand first, or alone, in `annotations`. */
export function withoutStamps(text: string): string {
  return text
    .replace(/"annotations":\{((?:"(?:cluster_name|tiercel\.dev\/[a-z-]+)":"[^"]*",?)+)/, '"annotations":{')
    .replace(/,"annotations":\{\}\}$/, '}');
}
