{{/* The name of every object: the release's, with ours in it. */}}
{{- define "wva-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains "wva-exporter" .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-wva-exporter" (.Release.Name | trunc 50 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "wva-exporter.selectorLabels" -}}
app.kubernetes.io/name: wva-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wva-exporter.labels" -}}
{{ include "wva-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: wva-exporter
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "wva-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "wva-exporter.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "wva-exporter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The version of the cluster; without a cluster Helm only knows one of its own. */}}
{{- define "wva-exporter.kubeVersion" -}}
{{- .Values.kubeVersionOverride | default .Capabilities.KubeVersion.Version -}}
{{- end -}}

{{/* The file of --web.config.file as YAML; empty where it is somebody else's secret, or none is wanted. */}}
{{- define "wva-exporter.webConfig" -}}
{{- $content := deepCopy .Values.webConfig.content -}}
{{- if and .Values.webConfig.tlsSecret (not (hasKey $content "tls_server_config")) -}}
{{- $files := dict "cert_file" "/etc/wva-exporter/tls/tls.crt" "key_file" "/etc/wva-exporter/tls/tls.key" -}}
{{- $_ := set $content "tls_server_config" $files -}}
{{- end -}}
{{- if and $content (not .Values.webConfig.existingSecret) -}}
{{- toYaml $content -}}
{{- end -}}
{{- end -}}

{{- define "wva-exporter.webSecret" -}}
{{- if .Values.webConfig.existingSecret -}}
{{- .Values.webConfig.existingSecret -}}
{{- else if include "wva-exporter.webConfig" . -}}
{{- printf "%s-web" (include "wva-exporter.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "wva-exporter.scheme" -}}
{{- $content := include "wva-exporter.webConfig" . | fromYaml -}}
{{- if hasKey $content "tls_server_config" -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{/* How a probe asks: basic authentication and client certificates guard every path, so there it only connects. */}}
{{- define "wva-exporter.probe" -}}
{{- $root := index . 0 -}}
{{- $content := include "wva-exporter.webConfig" $root | fromYaml -}}
{{- $tls := get $content "tls_server_config" | default dict -}}
{{- $guarded := or $root.Values.webConfig.existingSecret (get $content "basic_auth_users") (get $tls "client_auth_type") -}}
{{- if $guarded -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ index . 1 }}
  port: http
  scheme: {{ include "wva-exporter.scheme" $root | upper }}
{{- end -}}
{{- end -}}

{{/* Where the store keeps the namespace of a variant. */}}
{{- define "wva-exporter.namespaceLabel" -}}
{{- if .Values.serviceMonitor.honorLabels -}}namespace{{- else -}}exported_namespace{{- end -}}
{{- end -}}

{{/* What does not fit together is refused before anything is installed. */}}
{{- define "wva-exporter.refuse" -}}
{{- $config := .Values.config | default dict -}}
{{- $prometheus := $config.prometheus | default dict -}}
{{- if not (or $prometheus.url $config.scrape) -}}
{{- fail "config.prometheus.url is needed: the address of your Prometheus, such as http://prometheus-operated.monitoring:9090 (or config.scrape, to do without one)" -}}
{{- end -}}
{{- if and .Values.webConfig.content .Values.webConfig.existingSecret -}}
{{- fail "webConfig.content and webConfig.existingSecret exclude each other" -}}
{{- end -}}
{{- if and .Values.shadow (ne .Values.actuators.kind "none") -}}
{{- fail "actuators.kind needs the series that shadow: true renames: choose one of the two" -}}
{{- end -}}
{{- if and (eq .Values.actuators.series "safe") (not .Values.prometheusRule.enabled) -}}
{{- fail "actuators.series: safe reads a recording rule: set prometheusRule.enabled" -}}
{{- end -}}
{{- end -}}
