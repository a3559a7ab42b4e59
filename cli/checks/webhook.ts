import { HttpTransport, TransportError } from '../../shared/platform/http.ts';
import { type Check, type CheckContext, type Finding, fault, ok, unchecked } from './check.ts';

/** Falco's k8saudit plugin takes POST only. */
const NOT_ALLOWED = 405;
const PATIENCE_MS = 6_000;

export const webhook: Check = {
  id: 'webhook',
  title: `Falco's webhook answers: ${NOT_ALLOWED} to a GET.`,
  why: 'Another path answers 404 and every event is refused; another certificate, and nothing is sent.',
  needs: () => [],
  subjects: (context) =>
    context.stage.detection === 'falco' ? [{ name: context.stage.falcoSettings.url, look: () => look(context) }] : [],
};

async function look({ stage, clock }: CheckContext): Promise<Finding> {
  const { url, caPem, clientSecretId } = stage.falcoSettings;
  const transport = new HttpTransport(
    {
      maxSockets: 1,
      socketMaxAgeMs: 0,
      socketMaxIdleMs: 0,
      socketMaxRequests: 1,
      connectTimeoutMs: PATIENCE_MS / 2,
      ...(caPem === '' ? {} : { ca: caPem }),
    },
    clock,
  );
  try {
    const { status } = await transport.send(
      { method: 'GET', url: new URL(url), headers: {}, body: new Uint8Array() },
      AbortSignal.timeout(PATIENCE_MS),
    );
    if (status === NOT_ALLOWED) return ok('answers');
    return fault(
      `${NOT_ALLOWED} to a GET`,
      `${status}`,
      `falco.url in infra/stages/${stage.name}.yml must be host, port and path of the k8saudit plugin's open_params (by convention :9765/k8s-audit)`,
    );
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    // A proxy that asks for a client certificate ends the handshake; doctor does not read secrets.
    if (error.retryable || clientSecretId !== '')
      return unchecked(
        `not reachable from here (${error.message}), as it should be outside of the VPC. From inside: curl -s -o /dev/null -w '%{http_code}' ${url} prints ${NOT_ALLOWED}`,
      );
    return fault(
      'a certificate that the functions trust',
      error.message,
      `Renew Falco's certificate, or put the authority that signs it into falco.caPem of infra/stages/${stage.name}.yml`,
    );
  } finally {
    transport.close();
  }
}
