import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runPublish } from '../../../../cli/publish/command.ts';
import { publish } from '../../../../cli/publish/publish.ts';
import { OWN_RULES, readRulesFiles } from '../../../../cli/rules/files.ts';
import { loadRules } from '../../../../shared/falco/engine/index.ts';

const root = mkdtempSync(join(tmpdir(), 'publish-'));
afterAll(() => rmSync(root, { recursive: true }));

const options = { version: '1.2.3', namespace: 'falco' };
const rule = (name: string) =>
  `- rule: ${name}\n  desc: d\n  condition: ka.verb exists\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n`;
const heartbeat = (digest: string) => `${rule('Tiercel Heartbeat')}  tags: [heartbeat, pack-${digest}]\n`;
const small = [{ name: 'a/10-a.yaml', text: rule('A') }];
const own = [...small, { name: 'a/95-heartbeat.yaml', text: heartbeat(loadRules(small).digest) }];

describe('a publication', () => {
  it('holds the rules in every form as they are, and the digest with each', () => {
    const { files, digest, rules } = publish(own, options);
    const bytes = (path: string) => Buffer.from(files.find((file) => file.path === path)?.bytes ?? []);
    const data = Object.fromEntries(own.map(({ name, text }) => [name.slice(2), text]));
    expect(rules).toBe(2);
    expect(digest).toBe(loadRules(small).digest);
    expect(bytes('rules/10-a.yaml').toString()).toBe(own[0]?.text);
    expect(parse(bytes('falco-rules.values.yaml').toString())).toMatchObject({ customRules: data });
    expect(parse(bytes('falco-rules.configmap.yaml').toString())).toMatchObject({
      kind: 'ConfigMap',
      metadata: { namespace: 'falco', annotations: { 'tiercel.dev/rules-digest': digest } },
      data,
    });
  });

  it('is an OCI layout whose every digest holds, with a layer that tar reads', () => {
    const { files } = publish(own, options);
    const at = (path: string) => Buffer.from(files.find((file) => file.path === `oci/${path}`)?.bytes ?? []);
    const blob = ({ digest, size }: { digest: string; size: number }) => {
      const bytes = at(`blobs/sha256/${digest.slice('sha256:'.length)}`);
      expect([`sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes.length]).toEqual([digest, size]);
      return bytes;
    };
    expect(JSON.parse(at('oci-layout').toString())).toEqual({ imageLayoutVersion: '1.0.0' });
    const [entry] = JSON.parse(at('index.json').toString()).manifests;
    expect(entry.annotations['org.opencontainers.image.ref.name']).toBe('1.2.3');
    const manifest = JSON.parse(blob(entry).toString());
    expect(manifest.config.mediaType).toBe('application/vnd.cncf.falco.rulesfile.config.v1+json');
    expect(manifest.layers[0].mediaType).toBe('application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz');
    expect(JSON.parse(blob(manifest.config).toString())).toEqual({ name: 'tiercel-rules', version: '1.2.3' });
    const tar = gunzipSync(blob(manifest.layers[0]));
    const listed = execFileSync('tar', ['-tf', '-'], { input: tar }).toString().trim().split('\n');
    expect(listed).toEqual(['tiercel-rules/', 'tiercel-rules/10-a.yaml', 'tiercel-rules/95-heartbeat.yaml']);
    expect(execFileSync('tar', ['-xOf', '-', 'tiercel-rules/10-a.yaml'], { input: tar }).toString()).toBe(own[0]?.text);
  });

  it('tells falcoctl which engine and which plugins the rules ask for: the highest version of each', () => {
    const requires = (engine: string, plugin: string) =>
      `- required_engine_version: ${engine}\n- required_plugin_versions:\n    - {name: json, version: ${plugin}}\n`;
    const files = [
      { name: '00.yaml', text: requires('0.57.0', '0.7.2') },
      { name: '01.yaml', text: requires('9', '0.7.0') },
      {
        name: '02.yaml',
        text: '- required_plugin_versions:\n    - {name: k8saudit, version: 0.18.0, alternatives: [{name: k8saudit-eks, version: 0.12.0}]}\n',
      },
      ...own,
    ];
    const configs = publish(files, options).files.flatMap(({ path, bytes }) =>
      path.startsWith('oci/blobs/') && bytes[0] === 0x7b ? [JSON.parse(Buffer.from(bytes).toString())] : [],
    );
    expect(configs.find(({ name }) => name === 'tiercel-rules')).toEqual({
      name: 'tiercel-rules',
      version: '1.2.3',
      dependencies: [
        { name: 'json', version: '0.7.2' },
        { name: 'k8saudit', version: '0.18.0', alternatives: [{ name: 'k8saudit-eks', version: '0.12.0' }] },
      ],
      requirements: [{ name: 'engine_version_semver', version: '0.57.0' }],
    });
  });

  it.each(['main', '1.2', '1.2.3+build', '', '1.2.3 '])('is refused under the version “%s”', (version) => {
    expect(() => publish(own, { ...options, version })).toThrow('expected a version');
  });

  it('is the same bytes each time', () => {
    expect(publish(own, options)).toEqual(publish(own, options));
  });

  it.each([
    { wrong: 'rules that do not load', files: [{ name: 'a.yaml', text: '- rule: x\n' }], says: 'rules check' },
    { wrong: 'no heartbeat', files: small, says: '95-heartbeat.yaml' },
    {
      wrong: 'a heartbeat of other rules',
      files: [...small, { name: 'h.yaml', text: heartbeat('0'.repeat(64)) }],
      says: 'carries another digest',
    },
    { wrong: 'two files of one name', files: [...own, { name: 'b/95-heartbeat.yaml', text: '' }], says: 'are called 95-heartbeat.yaml' },
  ])('is refused for $wrong', ({ files, says }) => {
    expect(() => publish(files, options)).toThrow(says);
  });
});

describe('tiercel rules publish', () => {
  const run = async (more: Partial<Parameters<typeof runPublish>[0]>) => {
    const said: string[] = [];
    const ok = await runPublish({ ...options, out: join(root, 'out'), ...more }, { write: (text) => said.push(text) });
    return { ok, said: said.join('') };
  };
  const written = own.map(({ name, text }) => {
    const path = join(root, name.slice(2));
    writeFileSync(path, text);
    return path;
  });

  it('writes, finds it up to date, finds each difference, and takes away what went out', async () => {
    expect((await run({ rules: written, check: true })).ok).toBe(false);
    expect((await run({ rules: written })).ok).toBe(true);
    expect((await run({ rules: written, check: true })).ok).toBe(true);
    const comment = join(root, '99-old.yaml');
    writeFileSync(comment, '# A comment, and no rule.\n');
    await run({ rules: [...written, comment] });
    const file = join(root, 'out/rules/10-a.yaml');
    writeFileSync(file, '# other\n');
    const { ok, said } = await run({ rules: written, check: true });
    expect(ok).toBe(false);
    expect(said).toContain('rules/10-a.yaml is another');
    expect(said).toContain('rules/99-old.yaml does not belong to it');
    await run({ rules: written });
    expect(existsSync(join(root, 'out/rules/99-old.yaml'))).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe(own[0]?.text);
  });

  it.each(['letter.txt', 'rules/mine.yaml', 'digest', 'falco-rules.values.yaml', 'oci/index.json'])(
    'leaves a folder alone that holds %s of somebody else',
    async (name) => {
      const folder = mkdtempSync(join(root, 'mine-'));
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), 'customRules: {}\n');
      await expect(run({ rules: written, out: folder })).rejects.toThrow(name);
      expect(readFileSync(join(folder, name), 'utf8')).toBe('customRules: {}\n');
    },
  );

  it('leaves rules alone that somebody put beside those of an earlier publication', async () => {
    const folder = mkdtempSync(join(root, 'beside-'));
    await run({ rules: written, out: folder });
    const mine = join(folder, 'rules/mine.yaml');
    writeFileSync(mine, '- list: mine\n  items: [a]\n');
    await expect(run({ rules: written, out: folder })).rejects.toThrow('rules/mine.yaml');
    expect(existsSync(mine)).toBe(true);
  });

  it('publishes the project’s own rules; the values fit the chart and a ConfigMap', async () => {
    const { files } = publish(await readRulesFiles(OWN_RULES), options);
    const values = files.find(({ path }) => path === 'falco-rules.values.yaml')!;
    const { customRules } = parse(Buffer.from(values.bytes).toString());
    expect(Object.keys(customRules)).toEqual(Object.keys(customRules).sort());
    expect(loadRules(Object.entries(customRules).map(([name, text]) => ({ name, text: String(text) }))).loads).toBe(true);
  });
});
