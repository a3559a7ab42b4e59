import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A key and its certificate, PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority of the test run's own: no private key lies in the tree, nothing expires in it, no openssl is needed. */
export class TestAuthority {
  readonly cert: string;
  readonly #key: KeyObject;
  readonly #name: string;

  constructor(name = 'Tiercel test authority') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = name;
    this.cert = certificate({ subject: name, issuer: name, publicKey, signer: privateKey, isAuthority: true });
  }

  /** A certificate for a server on 127.0.0.1 and localhost, or for a client. */
  issue(subject: string): Identity {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = certificate({ subject, issuer: this.#name, publicKey, signer: this.#key, isAuthority: false });
    return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
  }
}

interface Request {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly isAuthority: boolean;
}

const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_ALT_NAME = '551d11';
const SUBJECT_KEY_ID = '551d0e';

function certificate(request: Request): string {
  const now = Date.now();
  const day = 86_400_000;
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const spki = request.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha1').update(spki).digest();
  const constraints = sequence(...(request.isAuthority ? [der(0x01, Buffer.from([0xff]))] : []));
  // [2] dNSName, [7] iPAddress
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = [
    sequence(oid(BASIC_CONSTRAINTS), der(0x01, Buffer.from([0xff])), octets(constraints)),
    sequence(oid(SUBJECT_KEY_ID), octets(octets(keyId))),
    ...(request.isAuthority ? [] : [sequence(oid(SUBJECT_ALT_NAME), octets(names))]),
  ];
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name(request.issuer),
    sequence(time(now - day), time(now + day)),
    name(request.subject),
    spki,
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(body, algorithm, bits(sign('sha256', body, request.signer)));
  const base64 = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${base64.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...items: Buffer[]): Buffer => der(0x30, Buffer.concat(items));
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const octets = (content: Buffer): Buffer => der(0x04, content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.from([0]), content]));
const name = (text: string): Buffer => sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(text)))));
const time = (ms: number): Buffer => der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`));
