import { RESPOND_FUNCTION_POLICIES, respondFunctionContract } from '../../contract/respond-function.ts';
import { admin, closeScene, cluster, openScene, policySet, RESPOND } from './scene.ts';

respondFunctionContract('a real API server, by the generated RBAC', async () => {
  await openScene(policySet(RESPOND_FUNCTION_POLICIES));
  return { endpoint: cluster.endpoint, token: `token-${RESPOND}`, admin, stop: closeScene };
});
