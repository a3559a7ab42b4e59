import fc from 'fast-check';
import { CODES, GROUPS, NAMES, NAMESPACES, RESOURCES, STAGES, SUBRESOURCES, TIMES, URIS, USERS, VERBS } from './audit-event-text.ts';

/** Condition texts that Falco loads, over every field the generated events have something in, with values that they hold. */

const NANOSECONDS = TIMES.map((time) => (BigInt(Date.parse(time)) * 1_000_000n).toString());

/** Fields that hold one string, and texts to compare them with. */
export const TEXT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'ka.stage': STAGES,
  'jevt.value[/stage]': STAGES,
  'ka.verb': VERBS,
  'json.value[verb]': VERBS,
  'ka.target.resource': RESOURCES,
  'jevt.value[/objectRef/resource]': RESOURCES,
  'ka.target.subresource': SUBRESOURCES,
  'ka.target.namespace': NAMESPACES,
  'ka.target.name': NAMES,
  'ka.user.name': USERS,
  'jevt.value[/user/username]': USERS,
  'jevt.value[/user]': ['{}'],
  'ka.response.code': CODES,
  'ka.response.reason': ['Forbidden'],
  'ka.uri': URIS,
  'ka.uri.param[dryRun]': ['All'],
  'ka.auditid': ['x'],
  'ka.useragent': ['curl'],
  'ka.impuser.name': USERS,
  'ka.auth.decision': ['allow', 'forbid'],
  'ka.cluster.name': ['dev'],
  'jevt.rawtime': NANOSECONDS,
  'evt.source': ['k8s_audit'],
  'evt.time.s': ['07:08:09', '00:00:00'],
  'ka.resp.name': NAMES,
  'ka.req.configmap.obj': ['{"k":"<y>"}'],
  'ka.req.binding.role': ['cluster-admin'],
  'ka.req.container.privileged': ['true', 'false'],
  'ka.req.pod.host_network': ['true'],
  'ka.target.pod.name': NAMES,
  'jevt.value[/requestObject/spec/containers/0/image]': ['nginx:1'],
};

const LIST_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'ka.user.groups': GROUPS,
  'ka.req.pod.containers.image': ['nginx:1', 'evil/x:2'],
  'ka.req.pod.containers.image.repository': ['nginx', 'evil/x', 'registry'],
  'ka.req.pod.containers.privileged': ['true'],
  'ka.req.pod.containers.host_port': ['80', '8080'],
  'ka.req.role.rules.verbs': ['*', 'get'],
  'ka.req.binding.subjects.user_names': USERS,
  'ka.req.pod.volumes.hostpath': ['/etc', '/'],
};

const NUMBER_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'evt.rawtime': NANOSECONDS,
  'evt.rawtime.s': NANOSECONDS.map((text) => (BigInt(text) / 1_000_000_000n).toString()),
  'len(ka.user.name)': ['0', '5'],
  'len(ka.user.groups)': ['1', '2'],
};

/** Operators on one string that take a constant. */
export const TEXT_OPERATORS = [
  '=',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'contains',
  'icontains',
  'startswith',
  'endswith',
  'glob',
  'iglob',
  'regex',
];
export const SET_OPERATORS = ['in', 'intersects'];

const quote = (text: string) => `'${text.replace(/\\/g, '\\\\')}'`;

function entry(fields: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<readonly [string, readonly string[]]> {
  return fc.constantFrom(...Object.entries(fields));
}

/** A text near one of the values, in the dialect of the operator. */
function near(operator: string, values: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...values).chain((value) => {
    if (operator === 'regex') return fc.constantFrom(literal(value), '.*', `${literal(value.slice(0, 2))}.*`, '[a-z]+', '^[^:]*$');
    if (operator === 'glob' || operator === 'iglob')
      return fc.constantFrom(value, '*', `${value.slice(0, 1)}*`, '?*', '[a-m]*', value.toUpperCase());
    return fc.constantFrom(value, value.slice(0, 2), value.slice(-2), value.toUpperCase(), 'zz', '');
  });
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

const NUMERIC = ['<', '<=', '>', '>='];

const onText = entry(TEXT_FIELDS).chain(([name, values]) =>
  fc
    .tuple(fc.constantFrom(...TEXT_OPERATORS), fc.constantFrom('none', 'none', 'none', 'tolower', 'toupper', 'basename'))
    .chain(([operator, transformer]) => {
      const left = transformer === 'none' ? name : `${transformer}(${name})`;
      if (NUMERIC.includes(operator)) return fc.integer({ min: 0, max: 999 }).map((number) => `${left} ${operator} ${number}`);
      return near(operator, values).map((text) => `${left} ${operator} ${quote(text)}`);
    }),
);

const withModifier = entry(TEXT_FIELDS).chain(([name, values]) =>
  fc
    .tuple(fc.constantFrom(...TEXT_OPERATORS.filter((operator) => !NUMERIC.includes(operator))), fc.constantFrom('oneof', 'anyof', 'allof'))
    .chain(([operator, modifier]) =>
      fc.array(near(operator, values), { maxLength: 3 }).map((texts) => `${name} ${operator} ${modifier} (${texts.map(quote).join(', ')})`),
    ),
);

const onSets = fc
  .tuple(entry({ ...TEXT_FIELDS, ...LIST_FIELDS }), fc.constantFrom(...SET_OPERATORS))
  .chain(([[name, values], operator]) =>
    fc.array(near(operator, values), { maxLength: 4 }).map((texts) => `${name} ${operator} (${texts.map(quote).join(', ')})`),
  );

const onPaths = fc
  .tuple(
    fc.constantFrom('ka.uri', 'ka.user.name'),
    fc.array(fc.constantFrom('/api', '/api/*/pods', 'healthz', '/', '/livez*'), { minLength: 1, maxLength: 3 }),
  )
  .map(([name, paths]) => `${name} pmatch (${paths.map(quote).join(', ')})`);

const onNumbers = fc
  .tuple(entry(NUMBER_FIELDS), fc.constantFrom('=', '!=', '<', '>=', 'in'))
  .chain(([[name, values], operator]) =>
    fc.constantFrom(...values).map((value) => `${name} ${operator} ${operator === 'in' ? `(${value})` : value}`),
  );

const exists = entry({ ...TEXT_FIELDS, ...LIST_FIELDS }).map(([name]) => `${name} exists`);

const names = fc.constantFrom(...Object.keys(TEXT_FIELDS));
const fieldToField = fc.oneof(
  fc
    .tuple(names, fc.constantFrom('=', '!=', 'contains', 'startswith', 'in', 'glob'), names)
    .map(([a, operator, b]) => `${a} ${operator} val(${b})`),
  fc.tuple(names, names).map(([a, b]) => `${a} = tolower(${b})`),
  fc.tuple(names, names).map(([a, b]) => `concat(${a}, "/", ${b}) startswith 'create/'`),
  fc.tuple(names, names).map(([a, b]) => `join("-", (${a}, ${b})) exists`),
);
const constants = fc.constantFrom(
  'evt.is_async = false',
  'jevt.rawtime exists',
  'jevt.rawtime=0',
  'evt.asynctype exists',
  'evt.pluginname = k8saudit',
);

/** One check of any kind. */
const check = fc.oneof(
  { weight: 8, arbitrary: onText },
  { weight: 2, arbitrary: withModifier },
  { weight: 5, arbitrary: onSets },
  { weight: 1, arbitrary: onPaths },
  { weight: 1, arbitrary: onNumbers },
  { weight: 3, arbitrary: exists },
  { weight: 1, arbitrary: fieldToField },
  { weight: 1, arbitrary: constants },
);

export const validCondition: fc.Arbitrary<string> = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: check },
    { weight: 2, arbitrary: tie('tree').map((inner) => `not (${inner})`) },
    { weight: 3, arbitrary: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((parts) => `(${parts.join(' and ')})`) },
    { weight: 3, arbitrary: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((parts) => `(${parts.join(' or ')})`) },
  ),
})).tree;
