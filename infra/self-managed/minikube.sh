#!/usr/bin/env bash
# minikube with an audit log that `tiercel follow` reads on this machine, for trying rules. Needs minikube; ends when following ends.
#   bash infra/self-managed/minikube.sh http://127.0.0.1:9765/k8s-audit
set -euo pipefail
webhook=${1:?the address of the webhook, for example http://127.0.0.1:9765/k8s-audit}
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p ~/.minikube/files/etc/ssl/certs
cp "$here/audit-policy.yaml" ~/.minikube/files/etc/ssl/certs/audit-policy.yaml
minikube start \
  --extra-config=apiserver.audit-policy-file=/etc/ssl/certs/audit-policy.yaml \
  --extra-config=apiserver.audit-log-path=-

log=$(mktemp -d)/audit.log
minikube kubectl -- --namespace kube-system logs --follow kube-apiserver-minikube | grep --line-buffered '"kind":"Event"' >"$log" &
trap 'kill %1' EXIT
cd "$here/../.."
npm run -s tiercel -- follow --to "$webhook" --cluster minikube --from start "$log"
