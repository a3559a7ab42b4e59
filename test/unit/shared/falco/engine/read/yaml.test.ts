import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { sourceOffset } from '../../../../../../shared/falco/engine/read/position.ts';
import { SourceFile } from '../../../../../../shared/falco/engine/read/source.ts';
import { lookUp, readYaml, type YamlNode, type YamlScalar } from '../../../../../../shared/falco/engine/read/yaml.ts';

function read(text: string): readonly YamlNode[] {
  const result = readYaml(new SourceFile('f', text));
  if (!result.ok) throw new Error(result.message);
  return result.documents;
}

function first(text: string): YamlScalar {
  const [document] = read(text);
  const node = document?.kind === 'sequence' ? document.items[0] : document;
  if (node?.kind !== 'scalar') throw new Error(`no scalar but ${node?.kind}`);
  return node;
}

describe('YAML as yaml-cpp sees it', () => {
  it.each(['1.0', '0x10', 'yes', '2026-01-01', '1_000', '.inf', '+1'])('%s keeps its text', (text) => {
    expect(first(`- ${text}`)).toMatchObject({ text, isNull: false });
  });

  it.each(['', '~', 'null', 'Null', 'NULL'])('plain «%s» is null', (text) => {
    expect(first(`- ${text}`).isNull).toBe(true);
  });

  it.each(["''", '"~"', "'null'", 'nULL', '!!str null', '|-\n  null'])('%j is not', (text) => {
    expect(first(`- ${text}`).isNull).toBe(false);
  });

  it('keeps duplicate keys, of which the first is found', () => {
    const [document] = read('a: 1\nb: 2\na: 3');
    expect(document).toMatchObject({ kind: 'mapping', entries: { length: 3 } });
    expect(document?.kind === 'mapping' && lookUp(document, 'a')).toMatchObject({ text: '1' });
  });

  it('reads several documents and leaves null ones out', () => {
    expect(read('---\n---\n- a\n---\n~\n--- b\n').map(({ kind }) => kind)).toEqual(['sequence', 'scalar']);
  });

  it('follows aliases to complete anchors', () => {
    expect(read('- &x [a]\n- *x')[0]).toMatchObject({ items: [{ items: [{ text: 'a' }] }, { items: [{ text: 'a' }] }] });
  });

  it('holds text as bytes', () => {
    expect(first('- Ünï').text).toBe('\u00c3\u009cn\u00c3\u00af');
  });
});

describe('the place of a byte in the file', () => {
  /** Every letter of a scalar's text must be found where it stands. */
  const expectPlaces = (text: string): void => {
    const node = first(text);
    const chars = Buffer.from(node.text, 'latin1').toString('utf8');
    let bytes = 0;
    for (const char of chars) {
      const at = sourceOffset(node, bytes);
      if (/[a-z0-9ü€😀]/u.test(char)) expect(text.slice(at, at + char.length)).toBe(char);
      bytes += Buffer.byteLength(char);
    }
  };

  it.each([
    '- plain text',
    '- plain text\n  over several\n\n  lines',
    "- 'single ''quoted'' text\n  over lines'",
    '- "double \\"quoted\\" \\x41b \\u00e9c \\\n  joined and\n  folded"',
    '- >\n  folded text\n  of two lines\n\n  and more\n    indented\n  end\n',
    '- >-\n  stripped\n  text\n',
    '- |\n  literal\n    text\n\n  end\n',
    '- |2\n    literal\n',
    '- ünï €uro 😀 end',
  ])('%j', expectPlaces);

  it('in whatever a YAML library writes', () => {
    const word = fc.stringMatching(/^[a-z0-9ü€:#'"\\-]{1,8}$/);
    const value = fc.array(word, { minLength: 1, maxLength: 30 }).chain((words) =>
      fc.array(fc.constantFrom(' ', ' ', ' ', '\n'), { minLength: words.length, maxLength: words.length }).map((gaps) =>
        words
          .map((one, i) => one + gaps[i]!)
          .join('')
          .trim(),
      ),
    );
    const style = fc.constantFrom('BLOCK_FOLDED', 'BLOCK_LITERAL', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN');
    fc.assert(
      fc.property(value, style, (text, defaultStringType) => {
        expectPlaces(stringify([text], { defaultStringType, lineWidth: 40 }));
      }),
      { numRuns: 1000 },
    );
  });
});
