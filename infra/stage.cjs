// serverless.yml's door to the stage files: the framework loads CommonJS only, the real work is TypeScript.
module.exports = async ({ options }) => {
  const { readStage, StageError } = await import('./stage/read.ts');
  const { deployment } = await import('./stage/deployment.ts');
  try {
    const stage = readStage(options.stage ?? 'dev');
    // It would outweigh serverless.yml: everything would be made in a region that no name and no policy speaks of.
    if ((options.region ?? stage.region) !== stage.region)
      throw new StageError(
        `infra/stages/${stage.name}.yml is for ${stage.region}, got --region ${options.region}; leave it away, or change the file.`,
      );
    return deployment(stage);
  } catch (error) {
    // The framework shows the stack instead of the message, and what is wrong is in the file, not in our code.
    if (error instanceof StageError) error.stack = error.message;
    throw error;
  }
};
