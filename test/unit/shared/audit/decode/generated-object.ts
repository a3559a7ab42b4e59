import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Decoded {
  readonly good: number;
  readonly broken: number;
  readonly records: number;
  readonly rejects: number;
  readonly riseMiB: number;
}

/** Decodes a generated object in a process of its own, so that nothing but decoding is measured. */
export async function decodeGenerated(mebibytes: number, kind: string): Promise<Decoded> {
  const script = (name: string) => resolve(import.meta.dirname, name);
  const generator = spawn(process.execPath, [script('generate-object.ts'), String(mebibytes), kind], { stdio: ['ignore', 'pipe', 'pipe'] });
  const decoder = spawn(process.execPath, [script('decode-object.ts')], { stdio: [generator.stdout, 'pipe', 'inherit'] });
  const [made, came] = await Promise.all([text(generator.stderr), text(decoder.stdout!)]);
  return { ...JSON.parse(made.split('\n').find((line) => line.startsWith('{')) ?? '{}'), ...JSON.parse(came) } as Decoded;
}
