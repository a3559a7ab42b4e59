import { ResourceExistsException, ResourceNotFoundException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RotationEvent, rotateSecret, rotationEvent } from '../../../../../shared/platform/aws/rotate-secret.ts';

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
const none = () => new ResourceNotFoundException({ $metadata: {}, message: 'no such version' });

/** Secrets Manager's side of a rotation: versions, labels, and what it refuses. A call may fail before it does anything, or after. */
class Manager {
  readonly labels: Record<string, string[]> = { first: ['AWSCURRENT'] };
  readonly texts: Record<string, string> = { first: 'f'.repeat(64) };
  readonly faults: ('before' | 'after' | undefined)[] = [];
  calls = 0;

  begin(token: string): void {
    this.labels[token] = ['AWSPENDING'];
  }

  readonly client = { send: async (command: object) => this.#send(command) } as unknown as Pick<SecretsManagerClient, 'send'>;

  async #send(command: object): Promise<unknown> {
    const fault = this.faults[this.calls++];
    if (fault === 'before') throw new Error('connection reset');
    const { input } = command as { input: Record<string, string> };
    const answer = this.#answer(command.constructor.name, input);
    if (fault === 'after') throw new Error('time-out');
    return answer;
  }

  #answer(name: string, input: Record<string, string>): unknown {
    const { labels, texts } = this;
    switch (name) {
      case 'DescribeSecretCommand':
        return { VersionIdsToStages: structuredClone(labels) };
      case 'GetSecretValueCommand': {
        const version = input.VersionId!;
        if (!labels[version]?.includes(input.VersionStage!) || texts[version] === undefined) throw none();
        return { SecretString: texts[version] };
      }
      case 'PutSecretValueCommand': {
        const token = input.ClientRequestToken!;
        if (texts[token] !== undefined && texts[token] !== input.SecretString)
          throw new ResourceExistsException({ $metadata: {}, message: 'other content' });
        texts[token] = input.SecretString!;
        return {};
      }
      case 'UpdateSecretVersionStageCommand': {
        const { MoveToVersionId: to, RemoveFromVersionId: from } = input;
        if (!labels[from!]?.includes('AWSCURRENT')) throw new Error('InvalidParameter: the label is elsewhere');
        for (const id of Object.keys(labels)) labels[id] = labels[id]!.filter((label) => label !== 'AWSPREVIOUS');
        labels[from!] = ['AWSPREVIOUS'];
        labels[to!] = [...labels[to!]!, 'AWSCURRENT'];
        return {};
      }
      default:
        throw new Error(`not part of a rotation: ${name}`);
    }
  }
}

/** Other bytes each time, as from a true source. */
function counting(): { hex: (bytes: number) => string } {
  let n = 0;
  return { hex: (bytes) => (n++).toString(16).padStart(bytes * 2, '0') };
}

const event = (Step: RotationEvent['Step'], ClientRequestToken = 'second'): RotationEvent => ({
  Step,
  SecretId: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:tiercel/test/mac-key-AbCdEf',
  ClientRequestToken,
});

describe('a rotation', () => {
  it('makes a new text of 64 characters current, and keeps the one before it', async () => {
    const manager = new Manager();
    manager.begin('second');
    const deps = { client: manager.client, random: counting() };
    for (const step of STEPS) await rotateSecret(event(step), deps);
    expect(manager.labels).toMatchObject({ second: expect.arrayContaining(['AWSCURRENT']), first: ['AWSPREVIOUS'] });
    expect(manager.texts.second).toMatch(/^[0-9a-f]{64}$/);
    expect(manager.texts.first).toBe('f'.repeat(64));
  });

  it('ends well whatever fails and however often a step is tried again', async () => {
    const fault = fc.constantFrom(undefined, undefined, undefined, 'before' as const, 'after' as const);
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 24 }), fc.array(fc.nat(3), { maxLength: 4 }), async (faults, again) => {
        const manager = new Manager();
        manager.begin('second');
        manager.faults.push(...faults);
        const deps = { client: manager.client, random: counting() };
        let text: string | undefined;
        // As Secrets Manager does: from the first step on until all have passed; some steps once more, for it may not have heard the answer.
        for (let tries = 0; tries < 60; tries++) {
          try {
            for (const step of STEPS) {
              await rotateSecret(event(step), deps);
              const current = Object.keys(manager.labels).filter((id) => manager.labels[id]!.includes('AWSCURRENT'));
              expect(current).toHaveLength(1);
              expect(manager.texts[current[0]!]).toHaveLength(64);
              text ??= manager.texts.second;
            }
            break;
          } catch (error) {
            expect(String(error)).toMatch(/reset|time-out/);
          }
        }
        for (const at of again) await rotateSecret(event(STEPS[at]!), { ...deps, client: manager.client }).catch(() => {});
        expect(manager.labels.second).toContain('AWSCURRENT');
        expect(manager.labels.first).toEqual(['AWSPREVIOUS']);
        expect(manager.texts.second).toBe(text);
      }),
    );
  });

  it('takes the text of an attempt that was faster', async () => {
    const manager = new Manager();
    manager.begin('second');
    const random = counting();
    await Promise.all([0, 1, 2].map(() => rotateSecret(event('createSecret'), { client: manager.client, random })));
    await rotateSecret(event('testSecret'), { client: manager.client, random });
    expect(manager.texts.second).toHaveLength(64);
  });

  it.each([
    ['that nobody has begun', 'third', /version third .* to be AWSPENDING, but it is not there/],
    ['of a version that was given up', 'old', /but it is AWSPREVIOUS/],
  ])('refuses one %s, and changes nothing', async (_, token, message) => {
    const manager = new Manager();
    manager.labels.old = ['AWSPREVIOUS'];
    const before = structuredClone(manager.labels);
    for (const step of STEPS)
      await expect(rotateSecret(event(step, token), { client: manager.client, random: counting() })).rejects.toThrow(message);
    expect(manager.labels).toEqual(before);
  });

  it('does not make a version current that cannot be a key, and never shows it', async () => {
    const manager = new Manager();
    manager.begin('second');
    manager.texts.second = 'hunter2';
    const failed = rotateSecret(event('testSecret'), { client: manager.client, random: counting() });
    await expect(failed).rejects.toThrow(/at least 32 characters, but it is 7 long/);
    await expect(failed).rejects.not.toThrow('hunter2');
    manager.begin('third');
    await expect(rotateSecret(event('testSecret', 'third'), { client: manager.client, random: counting() })).rejects.toThrow(/holds none/);
  });

  it('knows its four steps only', () => {
    expect(rotationEvent.safeParse({ ...event('setSecret'), RotationToken: 'x' }).success).toBe(true);
    for (const wrong of [{}, { ...event('setSecret'), Step: 'dropSecret' }, { Step: 'setSecret' }, null])
      expect(rotationEvent.safeParse(wrong).success).toBe(false);
  });
});
