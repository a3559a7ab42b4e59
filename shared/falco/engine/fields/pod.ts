import { upToNul } from '../bytes.ts';
import { ABSENT, type JsonDocument, type Value } from '../document/index.ts';
import type { Paths } from './paths.ts';
import { some, walk } from './read.ts';
import type { Extracted, FieldRow, Reader } from './row.ts';

/** Values found per container; ABSENT for a container that lacks the key. */
type FromValues = (document: JsonDocument, values: readonly Value[]) => Extracted;

/** A reader of `keys` below `requestObject`, with the plugin's walk; `make` turns what it finds into the field's value. */
function bindWalk(keys: readonly string[], make: FromValues) {
  const [second, third] = keys as readonly [string, string];
  const rest = keys.slice(2);
  return (argument: string | undefined, paths: Paths): Reader => {
    const index = argument === undefined ? undefined : Number(argument);
    const request = paths.audit('requestObject');
    const outer = paths.audit('requestObject', second);
    const inner = third === '' ? outer : paths.audit('requestObject', second, third);
    return (event) => {
      const document = event.audit;
      const from = request.find(event);
      if (from === ABSENT) return undefined;
      // Three steps that many fields share are taken together, unless an array stands in the way.
      const plain = !document.isArray(from) && !document.isArray(outer.find(event));
      const values = plain ? walk(document, inner.find(event), rest, index) : walk(document, from, keys, index);
      return values === undefined ? undefined : make(document, values);
    };
  };
}

/** The text of every value that is there; holes are passed over. */
const present: FromValues = (document, values) => some(values.filter((value) => value !== ABSENT).map((value) => document.text(value)));

/** The text of every value; one hole makes the whole list missing. */
const all: FromValues = (document, values) => (values.includes(ABSENT) ? undefined : some(values.map((value) => document.text(value))));

/** `registry:5000/image:tag@digest` → what stands before the first colon and the first at sign, as the plugin cuts it. */
const repositories: FromValues = (document, values) =>
  values.includes(ABSENT) ? undefined : some(values.map((value) => cutRepository(document.text(value))));

function cutRepository(image: string): string {
  return image.split(':', 1)[0]!.split('@', 1)[0]!;
}

/** Each array of strings joined by blanks. Anything but an array of strings makes the whole list missing. */
const words: FromValues = (document, values) => {
  const lines: string[] = [];
  for (const value of values) {
    if (value === ABSENT) continue;
    if (!document.isArray(value)) return undefined;
    const elements = document.elements(value);
    if (!elements.every((element) => document.isString(element))) return undefined;
    lines.push(upToNul(elements.map((element) => document.rawText(element)).join(' ')));
  }
  return some(lines);
};

const hostPorts: FromValues = (document, values) => {
  const ports: string[] = [];
  for (const value of values) {
    if (value === ABSENT) continue;
    if (!document.isArray(value)) return undefined;
    for (const port of document.elements(value)) {
      const hostPort = document.get(port, 'hostPort');
      const number = hostPort === ABSENT ? document.get(port, 'containerPort') : hostPort;
      if (number !== ABSENT) ports.push(document.text(number));
    }
  }
  return some(ports);
};

const anyPrivileged: FromValues = (document, values) =>
  values.some((value) => value !== ABSENT && document.isTrue(value)) ? 'true' : 'false';

/** All elements of the arrays; what is no array is passed over. */
const flattened: FromValues = (document, values) =>
  some(
    values
      .filter((value) => value !== ABSENT)
      .flatMap((value) => document.elements(value))
      .map((element) => document.text(element)),
  );

/** All keys but `name` of the volumes. */
const volumeTypes: FromValues = (document, values) =>
  some(
    values
      .filter((value) => value !== ABSENT && document.isObject(value))
      .flatMap((value) => document.keys(value))
      .filter((key) => key !== 'name')
      .map(upToNul),
  );

/** The plugin looks for the id beside the container's security context, not in it; what it does not find there is the pod's, else 0. */
function bindEffective(list: string, key: string) {
  return (argument: string | undefined, paths: Paths): Reader => {
    const pod = paths.audit('requestObject', 'spec', key);
    const perContainer = bindWalk(['spec', list, key], (document, values) =>
      values.map((value) => (value === ABSENT ? '' : `=${document.text(value)}`)),
    )(argument, paths);
    return (event) => {
      const podValue = pod.find(event);
      const fallback = podValue === ABSENT ? '0' : event.audit.text(podValue);
      const found = perContainer(event) as readonly string[] | undefined;
      return found && some(found.map((value) => (value === '' ? fallback : value.slice(1))));
    };
  };
}

function list(name: string, keys: readonly string[], make: FromValues, description: string): FieldRow {
  return { name, type: 'string', list: true, argument: 'index', description, bind: bindWalk(keys, make) };
}

const CONTAINER_LISTS = [
  { key: 'containers', label: 'container' },
  { key: 'initContainers', label: 'init container' },
  { key: 'ephemeralContainers', label: 'ephemeral container' },
] as const;

const CONTAINER_FIELDS: readonly FieldRow[] = CONTAINER_LISTS.flatMap(({ key, label }): FieldRow[] => {
  const at = (name: string, keys: readonly string[], make: FromValues, description: string) =>
    list(`ka.req.pod.${key}.${name}`, ['spec', key, ...keys], make, description);
  const effective = (name: string, source: string, description: string): FieldRow => ({
    ...at(name, [source], present, description),
    bind: bindEffective(key, source),
  });
  const context = (name: string, source: string) =>
    at(name, ['securityContext', source], present, `securityContext.${source} of each ${label} that sets it.`);
  return [
    at('name', ['name'], all, `Name of each ${label}; missing if one has none.`),
    at('image', ['image'], all, `Image of each ${label}; missing if one has none.`),
    at('image.repository', ['image'], repositories, `Image of each ${label} up to the first colon or at sign.`),
    at('command', ['command'], words, `Command of each ${label} that has one, joined by blanks.`),
    at('args', ['args'], words, `Arguments of each ${label} that has some, joined by blanks.`),
    ...(key === 'ephemeralContainers'
      ? []
      : [at('host_port', ['ports'], hostPorts, `Every port of each ${label}: the host port, else the container port.`)]),
    context('privileged', 'privileged'),
    context('allow_privilege_escalation', 'allowPrivilegeEscalation'),
    context('read_only_fs', 'readOnlyRootFilesystem'),
    context('run_as_user', 'runAsUser'),
    context('run_as_group', 'runAsGroup'),
    context('proc_mount', 'procMount'),
    effective(
      'eff_run_as_user',
      'runAsUser',
      `Meant to be the user id each ${label} runs with; in practice 0 (the plugin looks in the wrong place).`,
    ),
    effective(
      'eff_run_as_group',
      'runAsGroup',
      `Meant to be the group id each ${label} runs with; in practice 0 (the plugin looks in the wrong place).`,
    ),
    at(
      'add_capabilities',
      ['securityContext', 'capabilities', 'add'],
      present,
      `Capabilities each ${label} adds: one JSON array as text per ${label}.`,
    ),
  ];
});

/** Fields of the k8saudit plugin about what a request wants: containers, volumes, ports, a role's rules. */
export const REQUEST_FIELDS: readonly FieldRow[] = [
  ...CONTAINER_FIELDS,
  ofFirstContainer('ka.req.container.image', all, 'Deprecated: image of the first container.'),
  ofFirstContainer('ka.req.container.image.repository', repositories, 'Deprecated: repository of the first container.'),
  {
    name: 'ka.req.container.privileged',
    type: 'string',
    list: false,
    argument: 'none',
    description: 'Deprecated: true if any container is privileged, false if there is a list of containers at all.',
    bind: bindWalk(['spec', 'containers', 'securityContext', 'privileged'], anyPrivileged),
  },
  list(
    'ka.req.role.rules.apiGroups',
    ['rules', 'apiGroups'],
    flattened,
    'API groups of all rules of a (cluster) role, or of the rule with that number.',
  ),
  list(
    'ka.req.role.rules.nonResourceURLs',
    ['rules', 'nonResourceURLs'],
    flattened,
    'URLs of all rules of a cluster role, or of one rule.',
  ),
  list('ka.req.role.rules.verbs', ['rules', 'verbs'], flattened, 'Verbs of all rules of a (cluster) role, or of one rule.'),
  list('ka.req.role.rules.resources', ['rules', 'resources'], flattened, 'Resources of all rules of a (cluster) role, or of one rule.'),
  list('ka.req.service.ports', ['spec', 'ports'], present, 'All ports of a service: one JSON array as text.'),
  list('ka.req.pod.volumes.hostpath', ['spec', 'volumes', 'hostPath', 'path'], present, 'Host paths of the volumes that have one.'),
  list(
    'ka.req.pod.volumes.flexvolume_driver',
    ['spec', 'volumes', 'flexVolume', 'driver'],
    present,
    'FlexVolume drivers of the volumes that have one.',
  ),
  list(
    'ka.req.pod.volumes.volume_type',
    ['spec', 'volumes', ''],
    volumeTypes,
    'Kinds of the volumes: every key of a volume but its name. A crafted event makes the real plugin panic over it: avoid it in rules for Falco.',
  ),
  {
    name: 'ka.req.volume.hostpath',
    type: 'string',
    list: false,
    argument: 'key',
    description: 'Deprecated: true if some host path is the argument, or begins with it where the argument ends in an asterisk.',
    bind: bindHostPath,
  },
  list(
    'ka.sourceips',
    ['rules', 'sourceIPs'],
    flattened,
    'Practically always missing (the plugin looks in the wrong place): use jevt.value[/sourceIPs/0].',
  ),
];

function ofFirstContainer(name: string, make: FromValues, description: string): FieldRow {
  const bind = bindWalk(['spec', 'containers', 'image'], (document, values) => {
    const found = make(document, values);
    return Array.isArray(found) ? (found[0] as string) : undefined;
  });
  return { name, type: 'string', list: false, argument: 'none', description, bind: (_, paths) => bind('0', paths) };
}

/** The plugin asks for the argument's index, too; for a key libs 0.25 hands it −1, which is no index: all volumes are looked at. */
function bindHostPath(argument: string | undefined, paths: Paths): Reader {
  const wanted = argument ?? '';
  const prefix = wanted.endsWith('*') ? wanted.slice(0, -1) : undefined;
  return bindWalk(['spec', 'volumes', 'hostPath', 'path'], (document, values) =>
    values.some((value) => {
      if (value === ABSENT) return false;
      const path = document.rawText(value);
      return path === wanted || (prefix !== undefined && path.startsWith(prefix));
    })
      ? 'true'
      : 'false',
  )(undefined, paths);
}
