import { describe, expect, it } from 'vitest';
import { queryParameter } from '../../../../../../shared/falco/engine/fields/uri.ts';

/** Recorded from Go 1.26: url.Parse, then url.ParseQuery of RawQuery; 'ERR' is an error of either. */
describe('query parameters', () => {
  it.each([
    ['/x?a=1&a=2', 'a', '1'],
    ['/x?a', 'a', ''],
    ['/x?a=', 'a', ''],
    ['/x?=1', '', '1'],
    ['/x?%61=%31', 'a', '1'],
    ['/x?a=b+c%20d', 'a', 'b c d'],
    ['/x?a=b=c', 'a', 'b=c'],
    ['/x?b=1', 'a', undefined],
    ['/x', 'a', undefined],
    ['/x?a=1#b', 'a', '1'],
    ['/x#?a=1', 'a', undefined],
    ['/x?&&a=1', 'a', '1'],
    ['/x?a=1;b=2', 'a', 'ERR'],
    ['/x?a=1&b=%zz', 'a', 'ERR'],
    ['/x?a=1&b=%4', 'a', 'ERR'],
    ['/%zz?a=1', 'a', 'ERR'],
    ['/x?a=1#%zz', 'a', 'ERR'],
    ['/x\x01?a=1', 'a', 'ERR'],
    [':x?a=1', 'a', 'ERR'],
    ['1a:x?a=1', 'a', 'ERR'],
    ['http:x?a=1', 'a', '1'],
    ['http://h:80/x?a=1', 'a', '1'],
    ['http://h:8x/?a=1', 'a', 'ERR'],
    ['//[::1]:80/x?a=1', 'a', '1'],
    ['//[::1/x?a=1', 'a', 'ERR'],
    ['//h%41/?a=1', 'a', 'ERR'],
    ['///x?a=1', 'a', '1'],
    ['*', 'a', undefined],
    ['', 'a', undefined],
  ])('%j [%s] is %j', (uri, name, value) => {
    const found = queryParameter(uri, name);
    expect(found === undefined ? 'ERR' : found.value).toBe(value);
  });
});
