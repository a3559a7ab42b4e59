import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runDemo } from '../cli/demo/demo.ts';
import { demoAsText } from '../cli/demo/text.ts';

/** README with what `npm start` prints now. The seconds stay as they are: they differ from run to run, and say nothing new. */
export async function readme(): Promise<string> {
  const text = readFileSync(join(resolve(import.meta.dirname, '..'), 'README.md'), 'utf8');
  const from = text.indexOf('$ npm start\n') + '$ npm start\n'.length;
  const to = text.indexOf('\n```', from);
  const seconds = /^([\d.]+) s, /m.exec(text.slice(from, to))?.[1] ?? '1';
  const output = demoAsText({ ...(await runDemo()), tookMs: Number(seconds) * 1000 }, { write: () => undefined, isTTY: false });
  return text.slice(0, from) + output.trimEnd() + text.slice(to);
}
