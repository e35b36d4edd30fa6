class Stack {
  static final String ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:java-tools:7"; // java-tools 2.0.1
  ILayerVersion of(String region) {
    return LayerVersion.fromLayerVersionArn(this, "x", "arn:aws:lambda:" + region + ":123456789012:layer:java-more:8");
  }
}
