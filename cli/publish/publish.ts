import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { type LoadResult, loadRules, type RulesFile } from '../../shared/falco/engine/index.ts';
import { digestBesideHeartbeat, HEARTBEAT_RULE, packDigest, packTag } from '../../shared/falco/heartbeat.ts';
import { UsageError } from '../usage.ts';
import { artifactConfig } from './artifact.ts';
import { tarOf } from './tar.ts';

export interface PublishedFile {
  /** Relative to the folder that is published to, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Publication {
  /** Of everything that is loaded but the heartbeat, which carries it. */
  readonly digest: string;
  readonly rules: number;
  readonly files: readonly PublishedFile[];
}

export interface PublishOptions {
  /** Version of the artifact, and its tag: semantic, without build metadata, which no tag can hold. */
  readonly version: string;
  readonly namespace: string;
}

/** Media types that falcoctl expects of a rules file (falcoctl, `pkg/oci`). */
const RULES_LAYER = 'application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz';
const RULES_CONFIG = 'application/vnd.cncf.falco.rulesfile.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Where falcoctl puts the files, below its folder for rules (infra/helm/falco-rules-artifact.values.yaml): Falco can be given a folder, and this one holds nothing else. */
const RULES_FOLDER = 'tiercel-rules';

/** How the values and the ConfigMap begin. */
export const MADE_BY = '# Made by `tiercel rules publish`';

const VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,64})?$/;

/** What Kubernetes takes in one object, less some room for the rest of it. */
const MAX_CONFIG_MAP_BYTES = 1_000_000;

/**
 * Makes everything Falco can take rules from: the files, values of the official chart, a ConfigMap, and an OCI layout with one artifact.
 * The same rules make the same bytes. @throws UsageError when the rules do not load, or the heartbeat does not carry the digest of the others.
 */
export function publish(rulesFiles: readonly RulesFile[], options: PublishOptions): Publication {
  if (!VERSION.test(options.version)) {
    throw new UsageError(
      'BAD_ARGUMENT',
      `expected a version such as 1.2.3 or 1.2.3-rc.1, which falcoctl can compare, not ${options.version}`,
    );
  }
  const loaded = loadRules(rulesFiles);
  if (!loaded.loads) {
    throw new UsageError('RULES_DO_NOT_LOAD', 'the rules do not load: `tiercel rules check` says why');
  }
  const digest = withHeartbeat(loaded);
  const named = rulesFiles.map(({ name, text }) => ({ name: basename(name), text }));
  const names = named.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new UsageError('BAD_ARGUMENT', `two rules files are called ${twice}: Falco reads them from one folder`);
  const data = Object.fromEntries(named.map(({ name, text }) => [name, text]));
  if (Buffer.byteLength(JSON.stringify(data)) > MAX_CONFIG_MAP_BYTES) {
    throw new UsageError(
      'RULES_TOO_LARGE',
      'the rules do not fit into a ConfigMap (1 MiB): publish them as an artifact only, or fewer of them',
    );
  }
  const head = `${MADE_BY} from ${names.length} files, version ${options.version}. Digest: ${digest}\n`;
  const annotations = { 'tiercel.dev/rules-digest': digest, 'tiercel.dev/rules-version': options.version };
  const text = (value: unknown) => Buffer.from(`${head}${stringify(value, { lineWidth: 0 })}`);
  return {
    digest,
    rules: loaded.rules.length,
    files: [
      // First, because it says which of the others are ours.
      { path: 'falco-rules.values.yaml', bytes: text({ customRules: data, podAnnotations: annotations }) },
      {
        path: 'falco-rules.configmap.yaml',
        bytes: text({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'falco-tiercel-rules', namespace: options.namespace, annotations },
          data,
        }),
      },
      ...named.map((file) => ({ path: `rules/${file.name}`, bytes: Buffer.from(file.text) })),
      { path: 'digest', bytes: Buffer.from(`${digest}\n`) },
      ...ociLayout(named, annotations, options.version),
    ],
  };
}

/** The digest of all rules but the heartbeat. @throws UsageError when there is no heartbeat, or it carries another digest. */
function withHeartbeat({ rules }: LoadResult): string {
  const digest = digestBesideHeartbeat(rules);
  const heartbeat = rules.find(({ name }) => name === HEARTBEAT_RULE);
  if (heartbeat === undefined) {
    throw new UsageError(
      'NO_HEARTBEAT',
      `expected a rules file with the rule ${HEARTBEAT_RULE}, which tells the pipeline what Falco really runs; take 95-heartbeat.yaml along`,
    );
  }
  if (packDigest(heartbeat.tags) !== digest) {
    throw new UsageError(
      'STALE_DIGEST',
      `${heartbeat.place.file} carries another digest than the rules have: write ${packTag(digest)} into its tags`,
    );
  }
  return digest;
}

/** An image layout (OCI image specification 1.1) with one artifact: `oras copy --from-oci-layout`, `skopeo copy oci:` and `crane push` bring it to a registry. */
function ociLayout(
  files: readonly { name: string; text: string }[],
  annotations: Record<string, string>,
  version: string,
): PublishedFile[] {
  const layer = gzipSync(
    tarOf(
      RULES_FOLDER,
      files.map(({ name, text }) => ({ name, bytes: Buffer.from(text) })),
    ),
    { level: 9 },
  );
  // The operating system in the gzip header is where it was made: unknown (RFC 1952), so that the same rules are the same bytes everywhere.
  layer[9] = 0xff;
  const config = json(artifactConfig(files, version));
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(RULES_CONFIG, config),
    layers: [{ ...descriptor(RULES_LAYER, layer), annotations: { 'org.opencontainers.image.title': 'tiercel-rules.tar.gz' } }],
    annotations: { 'org.opencontainers.image.version': version, ...annotations },
  });
  const index = json({
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{ ...descriptor(MANIFEST, manifest), annotations: { 'org.opencontainers.image.ref.name': version } }],
  });
  const blob = (bytes: Uint8Array) => ({ path: `oci/blobs/sha256/${sha256(bytes)}`, bytes });
  return [
    { path: 'oci/oci-layout', bytes: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'oci/index.json', bytes: index },
    ...[config, layer, manifest].map(blob),
  ];
}

function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
