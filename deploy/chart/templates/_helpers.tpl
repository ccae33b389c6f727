{{- define "consilium.labels" -}}
app.kubernetes.io/name: consilium
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "consilium.selector" -}}
app.kubernetes.io/name: consilium
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "consilium.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "consilium.sglangImage" -}}
{{ .Values.sglang.image.repository }}:{{ .Values.sglang.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "consilium.podSecurity" -}}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "consilium.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "consilium.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.secretName }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}

{{- define "consilium.environment" -}}
{{ include "consilium.secretVariable" (dict "root" . "name" "CONSILIUM_DATABASE_URL" "key" "database-url") }}
- name: CONSILIUM_HTTP_HOST
  value: 0.0.0.0
- name: CONSILIUM_HTTP_PORT
  value: "8080"
{{- if .Values.mind.existingClaim }}
- name: CONSILIUM_MIND
  value: /mind
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "consilium.engineEnvironment" -}}
{{- if .Values.sglang.enabled }}
- name: CONSILIUM_ENGINE
  value: sglang
- name: CONSILIUM_SGLANG_URL
  value: http://{{ .Release.Name }}-router:30100
{{ include "consilium.secretVariable" (dict "root" . "name" "CONSILIUM_SGLANG_API_KEY" "key" "sglang-api-key") }}
{{ include "consilium.secretVariable" (dict "root" . "name" "CONSILIUM_SGLANG_ADMIN_KEY" "key" "sglang-admin-key") }}
- name: CONSILIUM_BASE_MODEL
  value: {{ .Values.sglang.baseModel | quote }}
- name: CONSILIUM_ALLOW_DOWNLOAD
  value: "true"
- name: CONSILIUM_ANSWERS_AT_ONCE
  value: "64"
{{- else }}
- name: CONSILIUM_ENGINE
  value: local
{{- end }}
{{- end }}

{{- define "consilium.mounts" -}}
- name: state
  mountPath: /var/lib/consilium
- name: cache
  mountPath: /var/cache/consilium
- name: tmp
  mountPath: /tmp
{{- if .Values.mind.existingClaim }}
- name: mind
  mountPath: /mind
  readOnly: true
{{- end }}
{{- end }}

{{- define "consilium.volumes" -}}
- name: state
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- if .Values.mind.existingClaim }}
- name: mind
  persistentVolumeClaim:
    claimName: {{ .Values.mind.existingClaim }}
    readOnly: true
{{- end }}
{{- end }}

{{- define "consilium.cacheVolume" -}}
- name: cache
  persistentVolumeClaim:
    claimName: {{ .Values.cache.existingClaim | default (printf "%s-cache" .Release.Name) }}
{{- end }}
