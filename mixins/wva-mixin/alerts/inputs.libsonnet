// Does the exporter see what it decides from?
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local on = q.on(q.name);

  [
    {
      name: 'WVAInputsMissing',
      severity: 'warning',
      minutes: 10,
      expr: 'max %s (%s) == 1' % [q.by(['namespace', 'model_name', 'signal']), q.wva('input_missing', 'signal!="cost"')],
      summary: 'A signal that decisions need is missing.',
      description: 'The signal {{ $labels.signal }} of model {{ $labels.model_name }} in {{ $labels.namespace }} is missing for 10 minutes: targets of the model do not fall.',
    },
    {
      name: 'WVACostUnknown',
      severity: 'info',
      minutes: 60,
      expr: 'max %s (%s) == 1' % [q.by(['namespace', 'model_name', 'signal']), q.wva('input_missing', 'signal="cost"')],
      summary: 'A variant has no configured cost.',
      description: 'A variant of model {{ $labels.model_name }} in {{ $labels.namespace }} has no cost: it ranks as if a replica-hour cost 10 and is missing in all sums of cost.',
    },
    {
      name: 'WVAInputsStale',
      severity: 'warning',
      minutes: 5,
      expr: 'max %s (%s) > %s' % [q.by(['namespace', 'model_name', 'signal']), q.wva('input_age'), q.number(config.maxInputAgeSeconds)],
      summary: 'Samples that decisions need are too old.',
      description: 'The oldest sample of {{ $labels.signal }} of model {{ $labels.model_name }} in {{ $labels.namespace }} is {{ $value | humanizeDuration }} old: the replica behind it counts as unknown.',
    },
    {
      name: 'WVAModelIdMismatch',
      severity: 'critical',
      minutes: 5,
      expr: 'variant:wva_ready_replicas:kube > 0 unless variant:wva_replicas_live:count',
      summary: 'Ready pods of a variant show no engine series of its model.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} has {{ $value }} ready replicas and no series of an engine with model_name {{ $labels.model_name }}: the model id of the configuration, or the scrape, is wrong.',
    },
    {
      name: 'WVAReplicasUnseen',
      severity: 'warning',
      minutes: 10,
      expr: 'variant:wva_ready_replicas:kube - variant:wva_replicas_live:count > 0',
      summary: 'Ready replicas show no usable series.',
      description: '{{ $value }} ready replicas of {{ $labels.namespace }}/{{ $labels.variant_name }} are not scraped or lack a signal: their load is unknown and no target of their model falls.',
    },
    {
      name: 'WVACapacityUnknown',
      severity: 'warning',
      minutes: 15,
      expr: |||
        label_replace(
          max %(by)s (%(up)s) == 1
          unless %(on)s
          max %(by)s (%(capacity)s),
          "lacks", "kv_cache_size", "", ""
        )
        or
        label_replace(
          max %(by)s (%(demand)s) >= 0,
          "lacks", "service_times", "", ""
        )
      ||| % {
        by: q.by(q.name),
        on: on,
        up: q.wva('saturation_metrics_up'),
        capacity: q.wva('kv_tokens_capacity'),
        demand: q.wva('demand', 'unit!="requests_per_second"'),
      },
      summary: 'What a replica of a variant carries is unknown.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} is decided on fresh data, but '
                   + '{{ if eq $labels.lacks "kv_cache_size" }}'
                   + 'not every replica says how many tokens its KV cache holds: its engines do not expose it (vLLM: vllm:cache_config_info; VictoriaMetrics drops labels beyond a limit, or the series).'
                   + '{{ else }}'
                   + 'nothing says how many requests a second a replica carries, so that full KV caches bound it and the promised latency does not: no operating point of its engines is usable (TTFT, ITL, tokens a request).'
                   + '{{ end }}',
    },
  ]
