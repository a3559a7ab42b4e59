import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { WEBHOOK_MAX_BYTES } from '../../../shared/falco/client/body.ts';
import charts from './chart-keys.json' with { type: 'json' };

const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, 'infra/helm');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const read = (path: string) => parse(readFileSync(path, 'utf8'));

type Value = Record<string, unknown>;

/** Paths of what a values file sets and the chart does not know, down to where the chart hands values on as they are. */
function unknownKeys(values: Value, known: ReadonlySet<string>, path = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const at = `${path}${name}`;
    if (known.has(`${at}*`)) return [];
    if (!known.has(at)) return [at];
    return isObject(value) ? unknownKeys(value, known, `${at}.`) : [];
  });
}

function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe.each(files)('%s', (name) => {
  const chart = name.startsWith('falcosidekick') ? charts.falcosidekick : charts.falco;

  it('sets only what the recorded version of its chart knows', () => {
    expect(unknownKeys(read(join(folder, name)), new Set(chart.keys))).toEqual([]);
  });

  it('names that version where it names one', () => {
    const named = /--version (\S+)/.exec(readFileSync(join(folder, name), 'utf8'))?.[1];
    expect(named ?? chart.version).toBe(chart.version);
  });
});

it('a key that no chart knows is found, also where none was recorded beside it', () => {
  const planted = { falco: { rule_matchin: 'all' }, driver: { loader: { enabeld: false } }, affinity: { any: 1 } };
  expect(unknownKeys(planted, new Set(charts.falco.keys))).toEqual(['falco.rule_matchin', 'driver.loader.enabeld']);
});

describe('the values of Falcosidekick', () => {
  const values = read(join(folder, 'falcosidekick.values.yaml'));

  it('name a version that can send to SQS', () => {
    const [major, minor] = values.image.tag.split('.').map(Number);
    expect(major * 1000 + minor).toBeGreaterThanOrEqual(2033);
  });

  it('add fields whose names are also names of metrics’ labels: any other is a panic with each alert', () => {
    const names = values.config.customfields.split(',').map((field: string) => field.split(':')[0]);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z_]\w*$/);
    expect(names).not.toContain('cluster');
  });
});

describe('the web UI', () => {
  const { webui } = read(join(folder, 'falcosidekick-ui.values.yaml'));

  it('has no user but that of a secret, which is none that the chart makes itself', () => {
    expect(webui.user).toBe('');
    expect(webui.existingSecret).toMatch(/./);
    expect(['falcosidekick', 'falcosidekick-ui', 'falcosidekick-ui-redis']).not.toContain(webui.existingSecret);
  });
});

describe('the values of Falco', () => {
  const values = read(join(folder, 'falco.values.yaml'));
  const plugins = Object.fromEntries(values.falco.plugins.map((plugin: { name: string }) => [plugin.name, plugin]));

  it('take what Tiercel sends, and evaluate it at speed', () => {
    expect(plugins.k8saudit.init_config).toEqual({
      sslCertificate: '/etc/falco/tls/tls-combined.pem',
      maxEventSize: 1.5 * 1024 * 1024,
      webhookMaxBatchSize: WEBHOOK_MAX_BYTES,
      useAsync: false,
    });
    expect(plugins.json.init_config).toEqual({ useAsync: false });
    expect(values.falco.load_plugins).toEqual(['k8saudit', 'json']);
    expect(values.falco.rule_matching).toBe('all');
  });

  it('start Falco: every plugin to load is configured and brought, and nothing of the image’s own configuration is added', () => {
    const { load_plugins, plugins: configured, config_files, rules_files } = values.falco;
    expect(config_files).toEqual([]);
    expect(load_plugins.filter((name: string) => !configured.some((one: { name: string }) => one.name === name))).toEqual([]);
    const { refs } = values.falcoctl.config.artifact.install;
    expect(refs.map((ref: string) => /([a-z\d]+):[\d.]+$/.exec(ref)?.[1]).sort()).toEqual([...load_plugins].sort());
    // Where the chart puts customRules.
    expect(rules_files).toEqual(['/etc/falco/rules.d']);
    // Lists of later values replace earlier ones.
    const byArtifact = read(join(folder, 'falco-rules-artifact.values.yaml'));
    const { install, allowedTypes } = byArtifact.falcoctl.config.artifact;
    expect(install.refs.slice(0, refs.length)).toEqual(refs);
    expect(install.refs.at(-1)).toBe(`registry.example.com/tiercel-rules:${byArtifact.podAnnotations['tiercel.dev/rules-version']}`);
    expect(allowedTypes).toEqual(['plugin', 'rulesfile']);
  });

  it('let the heartbeat through, with its tags, to respond', () => {
    expect(values.falco).toMatchObject({ priority: 'debug', json_output: true, json_include_tags_property: true });
    expect(read(join(folder, 'falcosidekick.values.yaml')).config.aws.sqs.minimumpriority).toBe('debug');
    expect(read(join(folder, 'falcosidekick-lambda.values.yaml')).config.aws.lambda.minimumpriority).toBe('debug');
  });

  it('append the fields that the responses read, the same as the embedded engine', () => {
    expect(values.falco.append_output).toEqual(read(join(root, 'rules/append-output.yaml')).append_output);
  });

  it('run without privileges and outlive a node', () => {
    expect(values.driver.enabled).toBe(false);
    expect(values.falco.plugins_hostinfo).toBe(false);
    expect(values.controller.deployment.replicas).toBeGreaterThanOrEqual(2);
    expect(values.podSecurityContext.runAsNonRoot).toBe(true);
    expect(values.containerSecurityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});
