import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import type { Clock, Random } from '../clock.ts';
import { messageOf, TiercelError } from '../errors.ts';
import { createKubeClient, type KubeClient } from '../kube/index.ts';
import { answeredWithin } from './answered-within.ts';
import { createEksToken, TOKEN_KEPT_MS } from './eks-token.ts';

export interface EksCluster {
  /** The name alerts give it (`ka.cluster.name`). */
  readonly name: string;
  readonly region: string;
  /** Name in EKS, when alerts give another. */
  readonly eksName?: string | undefined;
  /** Role to assume first, for a cluster of another account. */
  readonly roleArn?: string | undefined;
}

class EksClusterError extends TiercelError {
  constructor(cluster: EksCluster, cause: unknown) {
    super(
      'EKS_CLUSTER',
      `Expected to reach EKS cluster ${cluster.name} in ${cluster.region}, but: ${messageOf(cause)}. Who asks needs ${cluster.roleArn ? `sts:AssumeRole on ${cluster.roleArn}, and that role ` : ''}eks:DescribeCluster on it.`,
      {
        retryable: true,
        cause,
      },
    );
  }
}

/** Nobody waits longer for a cluster that cannot be asked about. */
const IN_TIME = { ...answeredWithin(5_000), maxAttempts: 2 };

/** An assumed role's credentials are asked for again this long before they end: no token may outlive what signed it. */
const RENEW_MS = TOKEN_KEPT_MS + 5 * 60_000;

/** A client for one EKS cluster: asks EKS for its address and authority once, signs in with this identity or the assumed role. @throws EksClusterError */
export async function connectEks(
  cluster: EksCluster,
  deps: {
    readonly clock: Clock;
    readonly random: Random /** Names the session in CloudTrail and in audit events. */;
    readonly sessionName: string;
  },
): Promise<KubeClient> {
  const { region } = cluster;
  const own = new STSClient({ ...IN_TIME, region });
  const credentials = cluster.roleArn === undefined ? own.config.credentials : assume(own, cluster.roleArn, deps.sessionName, deps.clock);
  try {
    const { cluster: found } = await new EKSClient({ ...IN_TIME, region, credentials }).send(
      new DescribeClusterCommand({ name: cluster.eksName ?? cluster.name }),
    );
    if (!found?.endpoint || !found.certificateAuthority?.data) throw new Error('it has no endpoint yet');
    return createKubeClient({
      clock: deps.clock,
      random: deps.random,
      endpoint: {
        server: found.endpoint,
        caPem: Buffer.from(found.certificateAuthority.data, 'base64').toString('utf8'),
        token: createEksToken({ cluster: cluster.eksName ?? cluster.name, region, credentials, clock: deps.clock }),
      },
    });
  } catch (error) {
    throw new EksClusterError(cluster, error);
  }
}

function assume(sts: STSClient, roleArn: string, sessionName: string, clock: Clock): AwsCredentialIdentityProvider {
  let held: AwsCredentialIdentity | undefined;
  return async () => {
    if (held?.expiration && held.expiration.getTime() - clock.now() > RENEW_MS) return held;
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName }));
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) throw new Error(`no credentials came for ${roleArn}`);
    held = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiration: Expiration };
    return held;
  };
}
