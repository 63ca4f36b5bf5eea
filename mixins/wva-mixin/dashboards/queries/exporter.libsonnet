// Is the exporter alive, in time, and does it see what it decides from?
local window = '$__rate_interval';

function(s)
  local copy = s.by(s.copy);
  local rate(name, suffix='') = 'rate(%s[%s])' % [s.exporter(name, suffix), window];
  local quantile(share, name, labels) = 'histogram_quantile(%s, sum %s (%s))' % [
    share, s.by(labels + ['le']), rate(name, '_bucket'),
  ];
  local largest(name) = 'max %s (%s)' % [copy, s.exporter(name)];

  {
    // Of the copy that decided last.
    age: 'min(time() - %s)' % s.exporter('last_cycle'),
    ageOfCopy: 'max %s (time() - %s)' % [copy, s.exporter('last_cycle')],
    up: 'count(%s == 1)' % s.process('up'),
    copies: 'max %s (%s)' % [copy, s.process('up')],
    version: 'count %s (%s)' % [s.by(['version']), s.exporter('build_info')],
    models: 'max(%s)' % s.exporter('models_processed'),
    reload: 'min(%s)' % s.exporter('config_reload_ok'),
    reloadAge: 'time() - max(%s)' % s.exporter('config_reload_time'),
    sourceUp: 'min(%s)' % s.exporter('source_up'),
    sources: 'max %s (%s)' % [s.by(['instance', 'source']), s.exporter('source_up')],
    skew: largest('clock_skew'),
    cycle(share):: quantile(share, 'optimization_duration', s.copy),
    interval: 'max(%s)' % s.exporter('config_interval'),
    cycles: 'sum %s (%s)' % [s.by(['status']), rate('optimization_duration', '_count')],
    errors: 'sum %s (increase(%s[%s]))' % [s.by(['component', 'error_type']), s.exporter('errors'), window],
    recentErrors: 'sum(increase(%s[1h]))' % s.exporter('errors'),
    query(share):: quantile(share, 'collection_duration', ['query_type']),
    queryErrors: 'sum %s (increase(%s[%s]))' % [s.by(['reason']), s.exporter('collection_errors'), window],
    queryWarnings: 'sum(increase(%s[%s]))' % [s.exporter('collection_warnings'), window],
    inputAge: s.ofModel('input_age', ['signal']),
    inputMissing: s.ofModel('input_missing', ['signal']),
    inputAgeOfFleet: 'max %s (%s)' % [s.by(['signal']), s.exporter('input_age')],
    inputMissingOfFleet: 'sum %s (max %s (%s))' % [
      s.by(['signal']), s.by([s.storedNamespace, 'model_name', 'signal']), s.exporter('input_missing'),
    ],
    // Of wva:desired_replicas:fallback, which is in the variant's namespace wherever the store has it.
    disagreement: |||
      sum(abs(
        max %s (%s)
        - %s
        %s
      ))
    ||| % [s.by(s.name), s.own(s.exporter('desired_replicas')), s.on(s.name), s.everything('wva:desired_replicas:fallback')],
    memory: 'max %s (%s)' % [copy, s.process('process_resident_memory_bytes')],
    cpu: 'max %s (rate(%s[%s]))' % [copy, s.process('process_cpu_seconds_total'), window],
    series: 'max %s (%s)' % [copy, s.process('scrape_samples_scraped')],
    scrape: 'max %s (%s)' % [copy, s.process('scrape_duration_seconds')],
  }
