data "aws_lambda_layer_version" "powertools" {
  layer_name = "arn:aws:lambda:${var.region}:017000801446:layer:AWSLambdaPowertoolsPythonV2"
  version    = 30
}

data "aws_lambda_layer_version" "newest" {
  layer_name = "house"
}

data "aws_lambda_layer_version" "house" {
  layer_name = "house"
  version    = 31
}

resource "aws_lambda_function" "f" {
  runtime = "python3.11"
  layers  = [data.aws_lambda_layer_version.powertools.arn, data.aws_lambda_layer_version.house.arn]
}
