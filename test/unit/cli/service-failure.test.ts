import { expect, it } from 'vitest';
import { serviceFailure } from '../../../cli/service-failure.ts';
import { TiercelError } from '../../../shared/platform/errors.ts';

const thrown = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more);

it.each([
  [
    'an answer',
    thrown('ResourceNotFoundException', 'Requested resource not found', { $metadata: { httpStatusCode: 400 } }),
    /^AWS answered 400: ResourceNotFoundException: Requested resource not found\. Is it the right account and region/,
  ],
  [
    'no answer',
    thrown('TimeoutError', 'connect timed out', { $metadata: { attempts: 3 } }),
    /^AWS did not answer: TimeoutError: connect timed out\./,
  ],
  [
    'nobody signed in',
    thrown('CredentialsProviderError', 'Could not load credentials'),
    /^Expected AWS credentials and a region, but: Could not load.* Sign in/,
  ],
  ['no region', thrown('Error', 'Region is missing'), /^Expected AWS credentials and a region, but: Region is missing/],
])('%s of AWS is told in one line', (_, error, message) => {
  const failure = serviceFailure(error);
  expect(failure).toBeInstanceOf(TiercelError);
  expect(failure?.message).toMatch(message);
  expect(failure?.message).not.toContain('\n');
  expect(failure?.cause).toBe(error);
});

it.each([[new TypeError('x is not a function')], ['text'], [undefined]])('%s stays a defect', (error) => {
  expect(serviceFailure(error)).toBeUndefined();
});
