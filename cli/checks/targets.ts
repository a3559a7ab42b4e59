import {
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { falcoLoadBalancerName } from '../../infra/stage/load-balancer.ts';
import { type Check, type CheckContext, type Finding, fault, ok, restore, unchecked } from './check.ts';

export const targets: Check = {
  id: 'targets',
  title: 'Every Falco replica behind the load balancer is healthy.',
  why: 'Without a healthy replica everything is spooled; with one of two gone, a rollout stops detection.',
  needs: ({ detection }) =>
    detection === 'falco'
      ? [
          {
            actions: [
              'elasticloadbalancing:DescribeLoadBalancers',
              'elasticloadbalancing:DescribeTargetGroups',
              'elasticloadbalancing:DescribeTargetHealth',
            ],
            resources: ['*'],
          },
        ]
      : [],
  subjects: (context) =>
    context.stage.detection === 'falco' ? [{ name: falcoLoadBalancerName(context.stage), look: () => look(context) }] : [],
};

async function look({ stage, aws }: CheckContext): Promise<Finding> {
  const name = falcoLoadBalancerName(stage);
  if (!stage.balancesFalco)
    return unchecked(
      `the load balancer behind ${stage.falcoSettings.url} is not the stage's own: aws elbv2 describe-target-health says how it is`,
    );
  const arn = await aws.elb.send(new DescribeLoadBalancersCommand({ Names: [name] })).then(
    ({ LoadBalancers = [] }) => LoadBalancers[0]?.LoadBalancerArn,
    (error: Error) => {
      if (/LoadBalancerNotFound/.test(error.name)) return undefined;
      throw error;
    },
  );
  if (arn === undefined) return fault(`load balancer ${name}`, 'there is none', restore(stage));
  const { TargetGroups = [] } = await aws.elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn: arn }));
  const health = await Promise.all(
    TargetGroups.map(({ TargetGroupArn }) => aws.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }))),
  );
  const all = health.flatMap(({ TargetHealthDescriptions = [] }) => TargetHealthDescriptions);
  const ill = all.filter(({ TargetHealth }) => TargetHealth?.State !== 'healthy');
  if (all.length === 0)
    return fault(
      'replicas of Falco in the target group',
      'it is empty',
      `Put the group's ARN (${TargetGroups[0]?.TargetGroupArn ?? `output FalcoTargetGroupArn of stack tiercel-${stage.name}`}) into infra/kubernetes/falco-target-group.yaml, then kubectl apply -f it`,
    );
  if (ill.length === 0) return ok(`${all.length} healthy`);
  const reasons = ill.map(
    ({ Target, TargetHealth }) =>
      `${Target?.Id} ${TargetHealth?.State} (${TargetHealth?.Description ?? TargetHealth?.Reason ?? 'no reason given'})`,
  );
  return fault(
    `${all.length} healthy replicas`,
    `${ill.length} ${ill.length === 1 ? 'is' : 'are'} not: ${reasons.join('; ')}`,
    'kubectl -n falco get pods -o wide, and logs of those that are not ready; health is GET /healthz on port 8765, which the security group of the pods must let the load balancer ask',
  );
}
