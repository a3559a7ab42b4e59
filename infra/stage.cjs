// serverless.yml's door to the stage files: the framework loads CommonJS only, the real work is TypeScript.
module.exports = async ({ options }) => {
  const { readStage } = await import('./stage/read.ts');
  const { deployment } = await import('./stage/deployment.ts');
  return deployment(readStage(options.stage ?? 'dev'));
};
