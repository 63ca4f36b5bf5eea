// Is the exporter alive, deciding, and alone?
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local names = import '../lib/names.libsonnet';
  // The level over five minutes, so that one failed scrape does not start the clock of an alert again.
  local lately(func, name, matcher='') = q.wvaOver(func, name, 300, matcher);

  [
    {
      name: 'WVAExporterDown',
      severity: 'critical',
      minutes: 5,
      expr: 'absent(%s == 1)' % q.selector('up', [config.wvaSelector]),
      summary: 'No copy of wva-exporter is up.',
      description: 'No scrape of wva-exporter succeeded for 5 minutes. Scalers that read wva:desired_replicas:safe keep the last targets, then the PromQL decision; those that read wva_desired_replicas have none.',
    },
    {
      name: 'WVACycleStalled',
      severity: 'critical',
      minutes: 2,
      expr: |||
        time() - %s > %s
      ||| % [q.wva('last_cycle'), q.number(config.freshSeconds)],
      summary: 'wva-exporter is up and does not decide.',
      description: 'The last cycle of {{ $labels.instance }} ended {{ $value | humanizeDuration }} ago. Its targets are still exposed and no longer follow the load.',
    },
    {
      name: 'WVACycleSlow',
      severity: 'warning',
      minutes: 10,
      expr: |||
        histogram_quantile(0.9, sum %(by)s (rate(%(buckets)s)))
        > %(on)s group_left ()
        max %(byCopy)s (%(interval)s) / 2
      ||| % {
        by: q.by(['job', 'instance', 'le']),
        byCopy: q.by(q.copy),
        on: q.on(q.copy),
        buckets: q.over(q.selector(names.optimization_duration + '_bucket', [config.wvaSelector]), 300),
        interval: q.wva('config_interval'),
      },
      summary: 'Cycles of wva-exporter take more than half of their interval.',
      description: 'One cycle in ten of {{ $labels.instance }} takes longer than {{ $value | humanizeDuration }}. Past the whole interval decisions come late.',
    },
    {
      name: 'WVACycleFailing',
      severity: 'critical',
      minutes: 5,
      expr: 'increase(%s) > 0' % q.over(q.selector(names.errors, [config.wvaSelector, 'component="controller"']), 300),
      summary: 'Cycles of wva-exporter end in an error.',
      description: '{{ $value | humanize }} cycles of {{ $labels.instance }} failed within 5 minutes. The last plan stays published.',
    },
    {
      name: 'WVAPrometheusUnreachable',
      severity: 'critical',
      minutes: 5,
      expr: '%s == 0' % lately('max_over_time', 'source_up'),
      summary: 'wva-exporter does not reach its data source.',
      description: 'No cycle of {{ $labels.instance }} got an answer from {{ $labels.source }} for 5 minutes. Targets are held, then withdrawn.',
    },
    {
      name: 'WVAQueriesFailing',
      severity: 'warning',
      minutes: 10,
      expr: 'increase(%s) > 0' % q.over(q.selector(names.collection_errors, [config.wvaSelector]), 300),
      summary: 'Queries of wva-exporter fail.',
      description: 'The query {{ $labels.query_type }} of {{ $labels.instance }} failed {{ $value | humanize }} times within 5 minutes: {{ $labels.reason }}.',
    },
    {
      name: 'WVAClockSkew',
      severity: 'warning',
      minutes: 10,
      expr: 'abs(%s) > %s' % [q.wva('clock_skew'), q.number(config.clockSkewSeconds)],
      summary: 'The clocks of wva-exporter and its data source differ.',
      description: 'The data source of {{ $labels.instance }} is {{ $value | humanizeDuration }} off the clock of the exporter. Decisions use the time of the data source; rules that judge ages by the clock of Prometheus may not.',
    },
    {
      name: 'WVAConfigReloadFailed',
      severity: 'warning',
      minutes: 5,
      expr: '%s == 0' % lately('max_over_time', 'config_reload_ok'),
      summary: 'wva-exporter refused its configuration.',
      description: 'The last reload of {{ $labels.instance }} failed; it goes on with the configuration before. The log names file, line and field.',
    },
    {
      name: 'WVADuplicateSeries',
      severity: 'critical',
      minutes: 5,
      expr: |||
        count %(by)s (%(desired)s)
        > %(copies)s
      ||| % {
        by: q.by(q.name),
        desired: q.own(names.desired_replicas),
        copies: q.number(config.exporterReplicas),
      },
      summary: 'Several producers publish the target of one variant.',
      description: 'The target of {{ $labels.namespace }}/{{ $labels.variant_name }} has {{ $value }} series, from{{ with printf "count by (job, instance) (wva_desired_replicas{variant_name=\'%s\'})" $labels.variant_name | query | sortByLabel "job" }}{{ range . }} job {{ .Labels.job }} at {{ .Labels.instance }};{{ end }}{{ end }} an HPA adds them up and a ScaledObject fails.',
    },
  ]
