import { describe, expect, it } from 'vitest';
import { FIELDS, FieldReaders, findField } from '../../../../../../shared/falco/engine/fields/index.ts';
import { eventOf } from '../../../../../support/engine.ts';

function read(name: string, event: Parameters<typeof eventOf>[0], argument?: string): unknown {
  const found = findField(name, argument);
  if ('problem' in found) throw new Error(found.problem.message);
  return new FieldReaders().reader(name, argument)(eventOf(event));
}

const pod = (spec: unknown) => ({ requestObject: { spec } });

describe('catalogue', () => {
  it("has the plugin's hundred fields, sixty-one of them lists", () => {
    const ka = FIELDS.filter(({ name }) => name.startsWith('ka.'));
    expect(ka.length).toBe(100);
    expect(ka.filter(({ list }) => list).length).toBe(61);
    expect(new Set(FIELDS.map(({ name }) => name)).size).toBe(FIELDS.length);
    for (const { name, description } of FIELDS) expect(description, name).toMatch(/^.{10,}\.$/);
  });

  it('reads every field of a bare event and of one full of surprises without failing', () => {
    const strange =
      '{"auditID":[],"stageTimestamp":"2026-01-02T03:04:05Z","user":7,"objectRef":"x","requestURI":{},"annotations":[],"requestObject":[[{"spec":[null,{"containers":{"name":1},"volumes":[[{"hostPath":3}]]}],"rules":"r","subjects":[1,{"kind":2,"name":[]}]}]]}';
    for (const event of [{}, strange]) {
      for (const { name, argument } of FIELDS) {
        for (const index of argument === 'index' ? [undefined, '0', '7'] : [argument === 'key' ? '/a*' : undefined]) {
          expect(() => read(name, event, index), name).not.toThrow();
        }
      }
    }
  });

  it('has no ka.* value without an auditID, but one with a null one', () => {
    const without = '{"stageTimestamp":"2026-01-02T03:04:05Z","verb":"get","user":{"username":"x"}}';
    for (const { name, argument } of FIELDS.filter((row) => row.name.startsWith('ka.'))) {
      expect(read(name, without, argument === 'key' ? 'k' : undefined), name).toBe(undefined);
    }
    expect(read('jevt.value', without, '/verb')).toBe('get');
    expect(read('ka.verb', without.replace('{', '{"auditID":null,'))).toBe('get');
    expect(read('ka.auditid', without.replace('{', '{"auditID":null,'))).toBe('null');
  });
});

describe("the plugin's quirks", () => {
  const containers = [
    {
      name: 'a',
      image: 'registry:5000/app@sha256:1',
      command: ['sh', '-c'],
      ports: [{ containerPort: 1 }, { hostPort: 2, containerPort: 3 }],
    },
    { name: 'b', image: 'busybox@sha256:2', securityContext: { privileged: true, runAsUser: 0, capabilities: { add: ['SYS_ADMIN'] } } },
  ];
  const event = pod({
    containers,
    volumes: [
      { name: 'v', hostPath: { path: '/etc' } },
      { name: 'w', emptyDir: {} },
    ],
    runAsUser: 5,
  });

  it('lists containers', () => {
    expect(read('ka.req.pod.containers.name', event)).toEqual(['a', 'b']);
    expect(read('ka.req.pod.containers.name', event, '1')).toEqual(['b']);
    expect(read('ka.req.pod.containers.name', event, '2')).toBe(undefined);
    expect(read('ka.req.pod.containers.image.repository', event)).toEqual(['registry', 'busybox']);
    expect(read('ka.req.pod.containers.command', event)).toEqual(['sh -c']);
    expect(read('ka.req.pod.containers.host_port', event)).toEqual(['1', '2']);
    expect(read('ka.req.pod.containers.privileged', event)).toEqual(['true']);
    expect(read('ka.req.pod.containers.privileged', event, '0')).toBe(undefined);
    expect(read('ka.req.pod.containers.add_capabilities', event)).toEqual(['["SYS_ADMIN"]']);
    expect(read('ka.req.pod.initContainers.name', event)).toBe(undefined);
    expect(read('ka.req.container.image', event)).toBe('registry:5000/app@sha256:1');
    expect(read('ka.req.container.image.repository', event)).toBe('registry');
  });

  it('loses the whole list to one hole where the plugin does', () => {
    const holed = pod({ containers: [{ name: 'a' }, { image: 'x' }] });
    expect(read('ka.req.pod.containers.name', holed)).toBe(undefined);
    expect(read('ka.req.pod.containers.image', holed, '1')).toEqual(['x']);
    expect(read('ka.req.pod.containers.command', pod({ containers: [{ command: ['a', 1] }] }))).toBe(undefined);
    expect(read('ka.req.pod.containers.args', pod({ containers: [{ args: 'a' }] }))).toBe(undefined);
    expect(read('ka.req.pod.containers.args', pod({ containers: [{ args: [] }, {}] }))).toEqual(['']);
  });

  it('looks for the effective user in the wrong place', () => {
    expect(read('ka.req.pod.containers.eff_run_as_user', event)).toEqual(['5', '5']);
    expect(read('ka.req.pod.containers.eff_run_as_user', pod({ containers: [{}, { runAsUser: 3 }] }))).toEqual(['0', '3']);
    expect(read('ka.req.pod.containers.eff_run_as_user', event, '0')).toBe(undefined);
    expect(read('ka.req.pod.containers.eff_run_as_group', pod({ containers: [] }))).toBe(undefined);
  });

  it('says whether any container is privileged, also of none', () => {
    expect(read('ka.req.container.privileged', event)).toBe('true');
    expect(read('ka.req.container.privileged', pod({ containers: [] }))).toBe('false');
    expect(read('ka.req.container.privileged', pod({ containers: [{ securityContext: { privileged: 'true' } }] }))).toBe('false');
    expect(read('ka.req.container.privileged', pod({}))).toBe(undefined);
  });

  it('reads volumes', () => {
    expect(read('ka.req.pod.volumes.hostpath', event)).toEqual(['/etc']);
    expect(read('ka.req.pod.volumes.volume_type', event)).toEqual(['hostPath', 'emptyDir']);
    expect(read('ka.req.volume.hostpath', event, '/e*')).toBe('true');
    expect(read('ka.req.volume.hostpath', event, '/e')).toBe('false');
    expect(read('ka.req.volume.hostpath', pod({}), '/e')).toBe(undefined);
  });

  it('reads bindings, roles and services', () => {
    const subjects = [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      { kind: 'ServiceAccount', name: 't' },
      { name: 'x' },
    ];
    const rules = [{ verbs: ['get'], resources: ['pods', 'secrets'] }, { verbs: ['*'] }, {}];
    const request = { requestObject: { subjects, rules, spec: { ports: [{ port: 80 }], type: 'NodePort' } } };
    expect(read('ka.req.binding.subjects.user_names', request)).toEqual(['u']);
    expect(read('ka.req.binding.subjects.serviceaccount_names', request)).toEqual(['s', 't']);
    expect(read('ka.req.binding.subjects.serviceaccount_ns_names', request)).toEqual(['n:s']);
    expect(read('ka.req.binding.subjects.group_names', request)).toBe(undefined);
    expect(read('ka.req.binding.subjects', request)).toEqual(subjects.map((subject) => JSON.stringify(subject)));
    expect(read('ka.req.role.rules.verbs', request)).toEqual(['get', '*']);
    expect(read('ka.req.role.rules.resources', request, '0')).toEqual(['pods', 'secrets']);
    expect(read('ka.req.role.rules.resources', request, '1')).toBe(undefined);
    expect(read('ka.req.service.ports', request)).toEqual(['[{"port":80}]']);
    expect(read('ka.req.service.ports', request, '4')).toEqual(['[{"port":80}]']);
    expect(read('ka.sourceips', { sourceIPs: ['10.0.0.1'] })).toBe(undefined);
  });

  it("takes a pod's name from the response, and only for pods themselves", () => {
    const response = { responseObject: { metadata: { name: 'p' } } };
    expect(read('ka.target.pod.name', { objectRef: { resource: 'pods', name: 'q' }, ...response })).toBe('p');
    expect(read('ka.target.pod.name', { objectRef: { resource: 'pods', subresource: '' }, ...response })).toBe('p');
    expect(read('ka.target.pod.name', { objectRef: { resource: 'pods', subresource: 'exec' }, ...response })).toBe(undefined);
    expect(read('ka.target.pod.name', { objectRef: { resource: 'nodes' }, ...response })).toBe(undefined);
  });
});

describe('the other fields', () => {
  it('walk JSON pointers leniently', () => {
    const event = { a: { 'b/c': ['x', { '~': 1.5 }], '': 'e' } };
    expect(read('jevt.value', event, '/a/b~1c/0')).toBe('x');
    expect(read('json.value', event, 'a/b~1c/1/~0')).toBe('1.5');
    expect(read('jevt.value', event, '/a/')).toBe('e');
    expect(read('jevt.value', event, '/a')).toBe('{"b/c":["x",{"~":1.5}],"":"e"}');
    expect(read('jevt.value', event, '')).toContain('"a":{');
    expect(read('jevt.value', event, '/a/b~1c/-')).toBe(undefined);
  });

  it('indent the event, unless Go would not read it', () => {
    const text = '{"stageTimestamp":"2026-01-02T03:04:05Z","a":{},"b":[1,{"c":"\\u003c"}]}';
    expect(read('jevt.obj', text)).toBe(
      '{\n  "stageTimestamp": "2026-01-02T03:04:05Z",\n  "a": {},\n  "b": [\n    1,\n    {\n      "c": "\\u003c"\n    }\n  ]\n}',
    );
    for (const odd of ['NaN', '01', '+1', '1.', '"\\q"', '"a\tb"', '"\\u12"', '-']) {
      expect(read('json.obj', text.replace('{}', odd === '-' ? '-1e' : odd)), odd).toBe(undefined);
    }
    expect(read('jevt.obj', text.replace('{}', '-0.5e+3'))).toContain('-0.5e+3');
    // A bare NUL in a text is one of the control characters Go refuses; other fields end there.
    const withNul = text.replace('{}', '"a\0b"');
    expect(read('jevt.obj', withNul)).toBe(undefined);
    expect(read('evt.plugininfo', withNul)).toBe('{"stageTimestamp":"2026-01-02T03:04:05Z","a":"a');
    expect(read('jevt.value', withNul, '/a')).toBe('a');
  });

  it('tell the time', () => {
    const at = (time: string) => ({ stageTimestamp: time });
    expect(read('evt.time', at('2026-01-02T03:04:05.000006Z'))).toBe('03:04:05.000006000');
    expect(read('evt.time.iso8601', at('2026-01-02T05:04:05+02:00'))).toBe('2026-01-02T03:04:05.000000000+0000');
    expect(read('evt.datetime', at('2026-01-02T03:04:05.5Z'))).toBe('2026-01-02 03:04:05.500000000');
    expect(read('evt.rawtime', at('2026-01-02T03:04:05.000006Z'))).toBe(1767323045000006000n);
    expect(read('jevt.rawtime', at('1970-01-01T00:00:00.000000007Z'))).toBe('7');
    expect(read('jevt.rawtime', at('1970-01-01T00:00:01Z'))).toBe('1000000000');
    expect(read('evt.reltime', at('2026-01-02T03:04:05Z'))).toBe(0n);
  });
});
