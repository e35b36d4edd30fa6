#!/bin/sh
layerVersion=4
LAYER_ARN="arn:aws:lambda:eu-central-1:187925254637:layer:AWS-Parameters-and-Secrets-Lambda-Extension:${layerVersion}"
OTHER="arn:aws:lambda:$AWS_REGION:123456789012:layer:other:${OTHER_VERSION:-17}"
sam deploy --parameter-overrides SharedLayer=arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:12 \
  "Extra=arn:aws:lambda:eu-central-1:$ACCOUNT:layer:extra:3"
