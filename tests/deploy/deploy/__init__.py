"""`make test-deploy`: deploys template.yaml to a local CloudFormation with the README's commands, and checks what came out."""
