{{/* Labels of every object: dict "root" $ "component" "hub". */}}
{{- define "practicum.labels" -}}
app.kubernetes.io/name: practicum
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* Labels that select a component's Pods. */}}
{{- define "practicum.selector" -}}
app.kubernetes.io/name: practicum
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* An image's full name: dict "root" $ "name" "hub". One that begins with a registry is complete: a first part, before a slash, with a dot or a colon, or localhost. */}}
{{- define "practicum.image" -}}
{{- $reference := index .root.Values.images .name -}}
{{- $complete := regexMatch "^([^/]*[.:][^/]*|localhost)/" $reference -}}
{{- if or $complete (not .root.Values.images.registry) -}}
{{ $reference }}
{{- else -}}
{{ trimSuffix "/" .root.Values.images.registry }}/{{ $reference }}
{{- end -}}
{{- end }}

{{- define "practicum.tokens" -}}
{{ .Values.tokens.existingSecret | default "hub-tokens" }}
{{- end }}

{{/* What every container of ours is held to. */}}
{{- define "practicum.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "practicum.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "practicum.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A volume claim: dict "root" $ "component" "hub" "storage" .Values.hub.storage. Kept on uninstall. */}}
{{- define "practicum.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "practicum.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  accessModes: [ReadWriteOnce]
  {{- with .storage.storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .storage.size }}
{{- end }}

{{/* One key of the tokens' Secret as an environment variable: dict "root" $ "env" "NAME" "key" "portal". */}}
{{- define "practicum.tokenEnv" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef:
      name: {{ include "practicum.tokens" .root }}
      key: {{ .key }}
{{- end }}

{{/* NetworkPolicy peers and ports that several components share. */}}
{{- define "practicum.egressDns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          {{- toYaml .Values.network.dns.namespaceLabels | nindent 10 }}
      podSelector:
        matchLabels:
          {{- toYaml .Values.network.dns.podLabels | nindent 10 }}
    {{- range .Values.network.dns.cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    {{- range .Values.network.dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* The sign-in's issuer and databases, wherever they are. */}}
{{- define "practicum.egressOutside" -}}
- ports:
    {{- range .Values.network.outsidePorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* Prometheus, and whoever else may read figures. */}}
{{- define "practicum.monitoring" -}}
{{- include "practicum.peer" "prometheus" }}
{{- with .Values.network.monitoringFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "practicum.egressApiServer" -}}
- to:
    {{- range .Values.network.apiServer.cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    {{- range .Values.network.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* A peer of this namespace: the component's name. */}}
{{- define "practicum.peer" -}}
- podSelector:
    matchLabels:
      {{- include "practicum.selector" (dict "component" .) | nindent 6 }}
{{- end }}

{{/* Sandboxes of every cohort. */}}
{{- define "practicum.sandboxes" -}}
- namespaceSelector:
    matchExpressions:
      - {key: practicum.dev/cohort, operator: Exists}
  podSelector:
    matchLabels:
      {{- include "practicum.selector" (dict "component" "sandbox") | nindent 6 }}
{{- end }}
