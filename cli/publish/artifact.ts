import { parseDocument } from 'yaml';

interface Versioned {
  readonly name: string;
  readonly version: string;
}

/** The configuration of a rules artifact, as falcoctl reads it (falcoctl, `pkg/oci`, ArtifactConfig). */
interface ArtifactConfig extends Versioned {
  /** Plugins, which `falcoctl artifact install` brings along. */
  readonly dependencies?: readonly (Versioned & { readonly alternatives?: readonly Versioned[] })[];
  /** The engine that `falcoctl artifact follow` asks a running Falco for. */
  readonly requirements?: readonly Versioned[];
}

interface RulesItem {
  readonly required_engine_version?: number | string;
  readonly required_plugin_versions?: NonNullable<ArtifactConfig['dependencies']>;
}

/** What rules that load say they require: of the engine, and of each plugin, the highest version that any file names. */
export function artifactConfig(files: readonly { readonly text: string }[], version: string): ArtifactConfig {
  const items = files.flatMap(({ text }) => (parseDocument(text, { uniqueKeys: false }).toJS() ?? []) as readonly RulesItem[]);
  // A whole number is the minor version: how engines were numbered before.
  const engine = highest(
    items.flatMap(({ required_engine_version: at }) => (at === undefined ? [] : [/^\d+$/.test(String(at)) ? `0.${at}.0` : String(at)])),
  );
  const plugins = new Map<string, NonNullable<ArtifactConfig['dependencies']>[number]>();
  for (const plugin of items.flatMap(({ required_plugin_versions: wanted }) => wanted ?? [])) {
    const known = plugins.get(plugin.name);
    if (known === undefined || highest([known.version, plugin.version]) !== known.version) plugins.set(plugin.name, plugin);
  }
  return {
    name: 'tiercel-rules',
    version,
    ...(plugins.size === 0 ? {} : { dependencies: [...plugins.values()] }),
    ...(engine === undefined ? {} : { requirements: [{ name: 'engine_version_semver', version: engine }] }),
  };
}

function highest(versions: readonly string[]): string | undefined {
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}
