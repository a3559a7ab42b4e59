import { once } from 'node:events';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckContext } from '../../../../cli/checks/check.ts';
import { webhook } from '../../../../cli/checks/webhook.ts';
import { systemClock } from '../../../../shared/platform/clock.ts';
import { TestAuthority } from '../../../support/certificates.ts';
import { FalcoStandIn } from '../../../support/falco-stand-in.ts';

const authority = new TestAuthority();
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function look(url: string, settings: { caPem?: string; clientSecretId?: string } = {}, detection = 'falco') {
  const stage = { name: 'prod', detection, falcoSettings: { url, caPem: '', clientSecretId: '', ...settings } };
  const [subject] = webhook.subjects({ stage, clock: systemClock } as unknown as CheckContext);
  return subject?.look();
}
const answering =
  (status: number): RequestListener =>
  (_, response) =>
    response.writeHead(status).end();

describe('the check of the webhook', () => {
  it('is well with what the plugin answers, over TLS that the stage trusts', async () => {
    const falco = await FalcoStandIn.start({ tls: authority.issue('falco') });
    open.push(() => falco.stop());
    expect(await look(falco.url, { caPem: authority.cert })).toEqual({ verdict: 'ok', note: 'answers' });
    expect(falco.answers.map(({ method, status }) => [method, status])).toEqual([['GET', 405]]);
  });

  it('finds another path, or something else that listens there', async () => {
    const port = await listen(createPlainServer(answering(404)));
    expect(await look(`http://127.0.0.1:${port}/k8s_audit`)).toMatchObject({
      verdict: 'fault',
      came: '404',
      fix: expect.stringContaining('falco.url'),
    });
  });

  it('finds a certificate that the functions do not trust', async () => {
    const { key, cert } = authority.issue('falco');
    const port = await listen(createServer({ key, cert }, answering(405)));
    expect(await look(`https://127.0.0.1:${port}/k8s-audit`, { caPem: new TestAuthority().cert })).toMatchObject({
      verdict: 'fault',
      expected: 'a certificate that the functions trust',
      fix: expect.stringContaining('falco.caPem of infra/stages/prod.yml'),
    });
  });

  it('takes what cannot be reached from here for nothing, and says from where it can', async () => {
    const port = await listen(createPlainServer(answering(405)));
    await open.pop()!();
    expect(await look(`http://127.0.0.1:${port}/k8s-audit`)).toMatchObject({
      verdict: 'unchecked',
      why: expect.stringContaining('From inside: curl '),
    });
  });

  it('does not take a proxy that asks for a certificate for a fault, for it reads no secrets', async () => {
    const { key, cert } = authority.issue('proxy');
    const port = await listen(createServer({ key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, answering(405)));
    expect(await look(`https://127.0.0.1:${port}/k8s-audit`, { caPem: authority.cert, clientSecretId: 'falco/client' })).toMatchObject({
      verdict: 'unchecked',
    });
  });

  it('is not asked where there is no Falco', async () => {
    expect(await look('', {}, 'embedded')).toBeUndefined();
  });
});
