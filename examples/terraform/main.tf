# The todos service for Terraform: the code of examples/todos on the layer, pinned by its ARN.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws     = { source = "hashicorp/aws", version = "~> 6.0" }
    archive = { source = "hashicorp/archive", version = "~> 2.7" }
  }
}

provider "aws" {
  region = "eu-central-1"
}

data "archive_file" "code" {
  type        = "zip"
  source_dir  = "${path.module}/../todos/src"
  output_path = "${path.module}/todos.zip"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "todos" {
  name               = "todos"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.todos.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "todos" {
  function_name    = "todos"
  role             = aws_iam_role.todos.arn
  handler          = "app.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  filename         = data.archive_file.code.output_path
  source_code_hash = data.archive_file.code.output_base64sha256
  layers           = ["arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:1"] # shared-utils 1.0.0

  logging_config {
    log_format = "JSON"
  }

  environment {
    variables = {
      POWERTOOLS_SERVICE_NAME      = "todos"
      POWERTOOLS_METRICS_NAMESPACE = "Examples"
    }
  }
}

resource "aws_lambda_function_url" "todos" {
  function_name      = aws_lambda_function.todos.function_name
  authorization_type = "AWS_IAM"
}
