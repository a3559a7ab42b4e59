/** What moto lacks, answered as a test says; everything else goes to moto. */
import { DescribeAccessEntryCommand, type EKSClient, ResourceNotFoundException } from '@aws-sdk/client-eks';
import { DescribeTargetHealthCommand, type ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { DescribeSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** What moto lacks: the test says how it is. */
export interface Missing {
  /** Kubernetes groups of respond's access entry, by cluster; absent: there is none. */
  readonly accessEntries: Map<string, string[]>;
  /** What respond may do in every cluster. */
  readonly rights: Set<string>;
  /** Rotation of the MAC key, as Secrets Manager describes it. */
  readonly rotation: { RotationEnabled: boolean; NextRotationDate: Date };
  /** Addresses of targets that are not healthy. */
  readonly illTargets: Set<string>;
}

export function withAccessEntries(client: EKSClient, { accessEntries }: Missing): EKSClient {
  const send = async (command: Parameters<EKSClient['send']>[0]) => {
    if (!(command instanceof DescribeAccessEntryCommand)) return await client.send(command);
    const kubernetesGroups = accessEntries.get(command.input.clusterName!);
    if (!kubernetesGroups) throw new ResourceNotFoundException({ message: 'no access entry', $metadata: { httpStatusCode: 404 } });
    return { accessEntry: { principalArn: command.input.principalArn, kubernetesGroups } };
  };
  return Object.assign(Object.create(client), { send }) as EKSClient;
}

export function withIllTargets(client: ElasticLoadBalancingV2Client, { illTargets }: Missing): ElasticLoadBalancingV2Client {
  const send = async (command: Parameters<ElasticLoadBalancingV2Client['send']>[0]) => {
    if (!(command instanceof DescribeTargetHealthCommand)) return await client.send(command);
    const { TargetHealthDescriptions = [] } = await client.send(command);
    const ill = { State: 'unhealthy', Reason: 'Target.Timeout', Description: 'Health checks failed' };
    return {
      TargetHealthDescriptions: TargetHealthDescriptions.map((each) =>
        illTargets.has(each.Target!.Id!) ? { ...each, TargetHealth: ill } : each,
      ),
    };
  };
  return Object.assign(Object.create(client), { send }) as ElasticLoadBalancingV2Client;
}

export function withRotation(client: SecretsManagerClient, { rotation }: Missing): SecretsManagerClient {
  const send = async (command: Parameters<SecretsManagerClient['send']>[0]) => {
    const answer = await client.send(command);
    return command instanceof DescribeSecretCommand ? { ...answer, ...rotation } : answer;
  };
  return Object.assign(Object.create(client), { send }) as SecretsManagerClient;
}
