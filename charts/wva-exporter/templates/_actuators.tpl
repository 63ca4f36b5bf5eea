{{/* The policy that decides a variant: that of its model in its namespace, of its model anywhere, of all. */}}
{{- define "wva-exporter.policy" -}}
{{- $root := index . 0 -}}
{{- $variant := index . 1 -}}
{{- $namespace := index . 2 -}}
{{- $known := $root.Files.Get "files/policies.yaml" | fromYaml -}}
{{- $policy := $root.Values.config.policy | default $known.default -}}
{{- range $model := $root.Values.config.models -}}
{{- if and (eq $model.name $variant.model) $model.policy (not $model.namespace) -}}{{- $policy = $model.policy -}}{{- end -}}
{{- end -}}
{{- range $model := $root.Values.config.models -}}
{{- if and (eq $model.name $variant.model) $model.policy (eq ($model.namespace | default "") $namespace) -}}
{{- $policy = $model.policy -}}
{{- end -}}
{{- end -}}
{{- $policy -}}
{{- end -}}

{{- define "wva-exporter.behavior" -}}
{{- $root := index . 0 -}}
{{- $policy := include "wva-exporter.policy" . -}}
{{- $known := $root.Files.Get "files/policies.yaml" | fromYaml -}}
{{- $tolerance := include "wva-exporter.has" (list $root "HPAConfigurableTolerance" ">=1.33.0-0" ">=1.35.0-0") -}}
scaleUp:
  stabilizationWindowSeconds: 0
  {{- if $tolerance }}
  tolerance: "0"
  {{- end }}
  policies:
    - type: Pods
      value: 100
      periodSeconds: 15
scaleDown:
  stabilizationWindowSeconds: {{ ternary 0 300 (has $policy $known.stabilised) }}
  {{- if $tolerance }}
  tolerance: "0"
  {{- end }}
  policies:
    - type: Percent
      value: 50
      periodSeconds: 60
{{- end -}}

{{/* Whether the cluster has a feature, by its gate since one version, without since another: "true" or nothing. */}}
{{- define "wva-exporter.has" -}}
{{- $root := index . 0 -}}
{{- $since := ternary (index . 2) (index . 3) (has (index . 1) $root.Values.actuators.featureGates) -}}
{{- if semverCompare $since (include "wva-exporter.kubeVersion" $root) -}}
true
{{- end -}}
{{- end -}}

{{- define "wva-exporter.variantMetadata" -}}
{{- $root := index . 0 -}}
{{- $variant := index . 1 -}}
name: {{ $variant.name | quote }}
namespace: {{ index . 2 | quote }}
labels:
  {{- include "wva-exporter.labels" $root | nindent 2 }}
  {{- if regexMatch "^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$" ($variant.accelerator | default "") }}
  inference.optimization/acceleratorName: {{ $variant.accelerator | quote }}
  {{- end }}
annotations:
  llm-d.ai/managed: "true"
  llm-d.ai/model-id: {{ $variant.model | quote }}
  {{- if hasKey $variant "cost" }}
  llm-d.ai/variant-cost: {{ printf "%.10g" (float64 $variant.cost) | quote }}
  {{- end }}
{{- end -}}

{{- define "wva-exporter.scaleTargetRef" -}}
{{- $kind := .workload.kind | default "Deployment" -}}
apiVersion: {{ ternary "leaderworkerset.x-k8s.io/v1" "apps/v1" (eq $kind "LeaderWorkerSet") }}
kind: {{ $kind }}
name: {{ .workload.name | quote }}
{{- end -}}

{{/* A variant needs a name that Kubernetes takes, a target of its own and a maximum: none of them may be guessed. */}}
{{- define "wva-exporter.refuseVariants" -}}
{{- $seen := dict -}}
{{- $label := "^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$" -}}
{{- range $variant := (.Values.config | default dict).variants -}}
{{- $namespace := $variant.namespace | default $.Values.config.default_namespace | default "default" -}}
{{- if not $variant.workload -}}
{{- fail (printf "config.variants: %s: nobody says what runs it; give it workload: {name: ...}" $variant.name) -}}
{{- end -}}
{{- if not $variant.max -}}
{{- fail (printf "config.variants: %s: nobody says how many replicas it may have; give it max" $variant.name) -}}
{{- end -}}
{{- $kind := $variant.workload.kind | default "Deployment" -}}
{{- if not (has $kind (list "Deployment" "StatefulSet" "LeaderWorkerSet")) -}}
{{- fail (printf "config.variants: %s: %s %s is not Deployment, StatefulSet, LeaderWorkerSet" $variant.name $kind $variant.workload.name) -}}
{{- end -}}
{{- range $name := list $variant.name $variant.workload.name -}}
{{- if not (regexMatch $label $name) -}}
{{- fail (printf "config.variants: %s: %q cannot be the name of a Kubernetes object and the value of a label" $variant.name $name) -}}
{{- end -}}
{{- end -}}
{{- if gt (int ($variant.min | default 0)) (int $variant.max) -}}
{{- fail (printf "config.variants: %s: max must be at least min, %d" $variant.name (int $variant.min)) -}}
{{- end -}}
{{- $own := printf "variant %s/%s" $namespace $variant.name -}}
{{- $target := printf "%s %s/%s" $kind $namespace $variant.workload.name -}}
{{- range $thing := list $own $target -}}
{{- if hasKey $seen $thing -}}
{{- fail (printf "config.variants: %s: %s has a scaler already: %s" $variant.name $thing (get $seen $thing)) -}}
{{- end -}}
{{- $_ := set $seen $thing $variant.name -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "wva-exporter.series" -}}
{{- $series := .Values.actuators.series | default (ternary "safe" "raw" .Values.prometheusRule.enabled) -}}
{{- ternary "wva:desired_replicas:safe" "wva_desired_replicas" (eq $series "safe") -}}
{{- end -}}

{{/* The question for the target of a variant; labels that a store of several clusters adds are matched as the exporter does. */}}
{{- define "wva-exporter.query" -}}
{{- $root := index . 0 -}}
{{- $variant := index . 1 -}}
{{- $matchers := list (printf "variant_name=%s" (quote $variant.name)) -}}
{{- $matchers = append $matchers (printf "%s=%s" (include "wva-exporter.namespaceLabel" $root) (quote (index . 2))) -}}
{{- $prometheus := $root.Values.config.prometheus | default dict -}}
{{- range $label, $value := $prometheus.matchers -}}
{{- $matchers = append $matchers (printf "%s=%s" $label (toJson $value)) -}}
{{- end -}}
{{- printf "max by (variant_name) (%s{%s})" (include "wva-exporter.series" $root) (join "," $matchers) -}}
{{- end -}}

{{/* How KEDA says who it is: as given, else to a Prometheus as the exporter does. */}}
{{- define "wva-exporter.authModes" -}}
{{- $prometheus := .Values.config.prometheus | default dict -}}
{{- if .Values.actuators.keda.authModes -}}
{{- .Values.actuators.keda.authModes -}}
{{- else if eq .Values.actuators.keda.trigger "metrics-api" -}}
{{- else if $prometheus.basic_auth -}}
basic
{{- else if $prometheus.bearer_token_file -}}
bearer
{{- end -}}
{{- end -}}
