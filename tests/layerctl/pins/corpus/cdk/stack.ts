import * as cdk from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";

const powertoolsVersion: string = "51";

export class TodosStack extends cdk.Stack {
  constructor(scope: cdk.App, id: string) {
    super(scope, id);
    const shared = lambda.LayerVersion.fromLayerVersionArn(
      this,
      "Shared",
      "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:12", // shared-utils 1.4.0
    );
    const region = lambda.LayerVersion.fromLayerVersionArn(
      this, "Region", `arn:aws:lambda:${cdk.Stack.of(this).region}:123456789012:layer:by-region:3`);
    const both = arm
      ? `arn:${cdk.Aws.PARTITION}:lambda:${cdk.Aws.REGION}:017000801446:layer:AWSLambdaPowertoolsPythonV2-Arm64:${powertoolsVersion}`
      : `arn:${cdk.Aws.PARTITION}:lambda:${cdk.Aws.REGION}:017000801446:layer:AWSLambdaPowertoolsPythonV2:${powertoolsVersion}`;
    const open = `arn:aws:lambda:${region}:123456789012:layer:open:${props.version}`;
  }
}
