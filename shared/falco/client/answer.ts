import { type HttpAnswer, TransportError } from '../../platform/http.ts';

/** What one try at posting a body means for the records in it. */
export type Verdict =
  | { readonly kind: 'delivered' }
  /** Worth another try. `ambiguous`: Falco may have the body, another try may deliver it twice. */
  | { readonly kind: 'again'; readonly ambiguous: boolean; readonly reason: string }
  /** The same body will be refused again; `all`: and so will every other one, until the configuration changes. */
  | { readonly kind: 'refused'; readonly all: boolean; readonly reason: string };

const REMEDIES: Readonly<Record<number, { readonly all: boolean; readonly remedy: string }>> = {
  400: {
    all: false,
    remedy:
      'the body is larger than webhookMaxBatchSize of the k8saudit plugin, or the URL says http:// where TLS is spoken: lower maxBodyBytes or correct the URL',
  },
  401: { all: true, remedy: 'the webhook itself asks for no credentials: a proxy in front of Falco does, let this sender through' },
  403: { all: true, remedy: 'the webhook itself forbids nothing: a proxy in front of Falco does, let this sender through' },
  404: {
    all: true,
    remedy: 'the path is wrong: use the one in open_params of the k8saudit plugin, by convention /k8s-audit without a slash at the end',
  },
  405: {
    all: true,
    remedy:
      'POST is not taken there: the URL does not lead to the k8saudit webhook (port 9765 by convention; 8765 is Falco’s own web server)',
  },
  413: { all: false, remedy: 'something in front of Falco limits bodies: lower maxBodyBytes or raise its limit' },
  415: { all: true, remedy: 'application/json is not taken there: the URL does not lead to the k8saudit webhook' },
};

/** Too busy or not ready, said before anything was done with the request. */
const NOT_NOW = new Set([408, 425, 429, 503]);

/** Reads an answer of the webhook, or of what stands in front of it. Only a 200 is a delivery: it is the only success the plugin knows. */
export function judgeAnswer(answer: HttpAnswer, url: URL): Verdict {
  const { status } = answer;
  if (status === 200) return { kind: 'delivered' };
  const said = `${placeOf(url)} answered ${status}${quote(answer.text)}`;
  if (NOT_NOW.has(status)) return { kind: 'again', ambiguous: false, reason: said };
  // Falco never answers 5xx. A proxy does, and may have passed the body on before.
  if (status >= 500) return { kind: 'again', ambiguous: true, reason: said };
  const known = REMEDIES[status] ?? {
    all: true,
    remedy: 'expected 200, the only success of the k8saudit webhook: check where the URL leads',
  };
  return { kind: 'refused', all: known.all, reason: `configuration error: ${said}; ${known.remedy}` };
}

/** Reads what went wrong without an answer. Anything that is not the transport's is a defect and is thrown on. */
export function judgeFailure(thrown: unknown, url: URL): Verdict {
  if (!(thrown instanceof TransportError)) throw thrown;
  const place = placeOf(url);
  if (!thrown.retryable) {
    const remedy =
      'check that the scheme is right, caPem holds the authority of Falco’s certificate, its names hold the host of the URL, and a client certificate is set if one is asked for';
    return { kind: 'refused', all: true, reason: `configuration error: no TLS connection to ${place} (${thrown.code}); ${remedy}` };
  }
  if (thrown.taken === 'maybe')
    return { kind: 'again', ambiguous: true, reason: `no answer from ${place} (${thrown.code}) after the body went out` };
  return { kind: 'again', ambiguous: false, reason: `no connection to ${place} (${thrown.code})` };
}

/** A URL without its query, which might hold a secret. */
export function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function quote(text: string): string {
  // biome-ignore lint/complexity/useRegexLiterals: control characters are what this takes out
  const line = text.replace(new RegExp('[\\u0000-\\u001f\\u007f-\\u009f]+', 'g'), ' ').trim();
  return line ? ` (“${line.slice(0, 200)}”)` : '';
}
