import { describe, expect, it } from 'vitest';
import { readAppendOutput } from '../../../../../../shared/falco/engine/format/index.ts';

describe('append_output', () => {
  it('reads conditions, texts and fields', () => {
    const yaml = `
other: {a: 1}
append_output:
  - match: {source: k8s_audit, rule: A, tags: [x, y]}
    extra_output: "on %evt.hostname"
    extra_fields:
      - ka.verb
      - a.b: "%ka.uri!"
  - suggested_output: true
`;
    expect(readAppendOutput(yaml)).toEqual([
      {
        source: 'k8s_audit',
        rule: 'A',
        tags: ['x', 'y'],
        extraOutput: 'on %evt.hostname',
        extraFields: [
          { name: 'ka.verb', format: '%ka.verb', raw: true },
          { name: 'a.b', format: '%ka.uri!', raw: false },
        ],
      },
      { tags: [], extraFields: [] },
    ]);
  });

  it('says what is wrong', () => {
    expect(() => readAppendOutput('append_output: [')).toThrow('expected a Falco configuration in YAML');
    expect(() => readAppendOutput('rules: []')).toThrow('append_output');
    expect(() => readAppendOutput('append_output: [{match: {sources: x}}]')).toThrow('sources');
  });
});
