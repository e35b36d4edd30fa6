from aws_lambda_powertools import Logger, Tracer

tracer = Tracer()
handler = Logger().inject_lambda_context
