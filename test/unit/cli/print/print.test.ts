import { describe, expect, it } from 'vitest';
import { createProgress } from '../../../../cli/print/progress.ts';
import { table } from '../../../../cli/print/table.ts';
import { visible } from '../../../../cli/print/terminal.ts';

class Screen {
  text = '';
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(text: string) {
    this.text += text;
  }
}

describe('table', () => {
  it('aligns columns, numbers to the right, and does not count colour codes', () => {
    const text = table(
      [
        ['delivered', 1234567, 'to Falco'],
        ['\x1b[31mlost\x1b[39m', 5],
      ],
      { indent: 2 },
    );
    expect(text).toBe('  delivered  1,234,567  to Falco\n  \x1b[31mlost\x1b[39m               5');
  });
});

describe('progress', () => {
  it('draws over one line of a terminal and leaves it clean', () => {
    let now = 0;
    const screen = new Screen(true);
    const progress = createProgress(screen, () => now);
    progress.update('early', 0.1);
    expect(screen.text).toBe('');
    now = 100;
    progress.update('half way', 0.5);
    expect(screen.text).toContain('████████████░░░░░░░░░░░░');
    expect(screen.text).toContain(' 50% half way');
    progress.end();
    progress.end();
    expect(screen.text.endsWith('\r\x1b[2K')).toBe(true);
    expect(screen.text.split('\r')).toHaveLength(3);
  });

  it('writes a plain line now and then where nobody watches', () => {
    let now = 0;
    const screen = new Screen(false);
    const progress = createProgress(screen, () => now);
    for (; now <= 12_000; now += 100) progress.update(`at ${now}`, now / 20_000);
    progress.end();
    expect(screen.text).toBe(' 25% at 5000\n 50% at 10000\n');
  });
});

describe('visible', () => {
  it('takes what moves the cursor or turns the direction, and nothing else', () => {
    expect(visible('pod\u001b[2K\r\u0007 \u009b1A \u202egnp.exe \u0000')).toBe('pod\ufffd[2K\ufffd\ufffd \ufffd1A \ufffdgnp.exe \ufffd');
    expect(visible('Grüße, 東京 🚀\n\tindented')).toBe('Grüße, 東京 🚀\n\tindented');
  });

  it('reaches every text of a journal entry', () => {
    const entry = { user: 'a\u0007', rules: ['b\u0007'], steps: [{ note: 'c\u0007', atMs: 1, uid: undefined, done: true, before: null }] };
    expect(JSON.stringify(visible(entry))).toBe(JSON.stringify(entry).replaceAll('\\u0007', '\ufffd'));
  });
});
