import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { parseStage } from '../../../../infra/stage/read.ts';

const root = resolve(import.meta.dirname, '../../../..');
const HEAD = "account: '111111111111'\nregion: eu-central-1\nlogRetentionDays: 30\n";
const EMBEDDED = `${HEAD}detection: embedded\n`;
const FALCO = `${HEAD}detection: falco\nfalco: { url: 'https://f/k' }\n`;
const made = (text: string) => deployment({ name: 'test', ...parseStage('s.yml', text) });

describe('caps', () => {
  it('protect Falco always, and clusters where something is done to them', () => {
    expect(made(EMBEDDED).concurrency).toEqual({});
    expect(made(FALCO).concurrency).toEqual({ auditStream: 20, auditArchive: 10 });
    expect(made(`${EMBEDDED}mode: enforce`).concurrency).toEqual({ respond: 3 });
    expect(made(`${FALCO}concurrency: { auditStream: 50, respond: 4 }`).concurrency).toEqual({
      auditStream: 50,
      auditArchive: 10,
      respond: 4,
    });
  });

  it('can be left away by name only: a new account has too little concurrency to reserve any', () => {
    expect(made(`${FALCO}mode: enforce\nconcurrency: { auditStream: none, auditArchive: none, respond: none }`).concurrency).toEqual({});
  });

  it.each([
    [
      'respond: 2',
      /concurrency\.respond: expected a whole number from 3 to 1000, because its queue takes two and other callers one, or none/,
    ],
    ['auditArchive: 4', /concurrency\.auditArchive: expected a whole number from 5 to 1000, because its two queues/],
    ['auditStream: 0', /concurrency\.auditStream: expected a whole number from 1 to 1000, or none/],
    ['heartbeat: all', /concurrency\.heartbeat: expected a whole number from 1/],
  ])('are refused where they could not hold: %s', (concurrency, message) => {
    expect(() => made(`${EMBEDDED}concurrency: { ${concurrency} }`)).toThrow(message);
  });
});

describe('what queues may take of a cap', () => {
  it('leaves room for every other caller, and is all that Lambda allows to say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 1000 }), fc.integer({ min: 3, max: 1000 }), (auditArchive, respond) => {
        const { queueShares } = made(`${EMBEDDED}concurrency: { auditArchive: ${auditArchive}, respond: ${respond} }`);
        expect(queueShares.archive + queueShares.spool).toBe(auditArchive - 1);
        expect(queueShares.respond).toBe(respond - 1);
        for (const share of Object.values(queueShares)) expect(share).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 30 },
    );
  });

  it('is bounded without a cap, too', () => {
    expect(made(EMBEDDED).queueShares).toEqual({ archive: 5, spool: 2, respond: 2 });
  });

  it('is what the functions say', () => {
    const shares = ['audit-archive', 'respond'].flatMap((folder) =>
      [...readFileSync(join(root, `functions/${folder}/function.yml`), 'utf8').matchAll(/maximumConcurrency: (.+)/g)].map(
        ([, value]) => value,
      ),
    );
    const variable = (name: string) => `\${self:custom.stage.queueShares.${name}}`;
    expect(shares).toEqual([variable('archive'), variable('spool'), variable('respond')]);
  });
});
