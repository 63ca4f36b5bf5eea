// What the fleet costs, in the currency of the exporter's configuration. A variant without a configured cost is in no sum.
function(s, config)
  local running = s.variants('variant:wva_current_cost:max');
  local wanted = s.variants('variant:wva_cost:max');
  local by(labels) = 'sum %s (%s)' % [s.by(labels), running];
  // A sum over recorded samples, so that what existed for an hour only is counted for an hour only.
  local spent(labels) = 'sum %s (sum_over_time(%s[$__range])) * %s / 3600' % [
    s.by(labels), running, s.number(config.evaluationIntervalSeconds),
  ];
  local ratio(record) = 'max %s (%s)' % [s.by(s.model), s.models(record)];

  {
    running: 'sum(%s)' % running,
    wanted: 'sum(%s)' % wanted,
    safe: 'sum(%s)' % s.recorded('variant:wva_safe_cost:max'),
    ofVariant: 'max %s (%s)' % [s.by(s.name), running],
    perMonth: 'sum(%s) * 730' % running,
    spent: spent([]),
    spentByModel: spent(s.model),
    byModel: by(s.model),
    byVariant: by(s.name),
    byAccelerator: by(['accelerator_type']),
    byNamespace: by(['namespace']),
    perRequest: ratio('model:wva_cost_per_request:ratio'),
    perMillionTokens: ratio('model:wva_cost_per_million_tokens:ratio'),
    // The dearest model first counts; a mean over models would hide it.
    dearestRequest: 'max(%s)' % s.models('model:wva_cost_per_request:ratio'),
    dearestMillionTokens: 'max(%s)' % s.models('model:wva_cost_per_million_tokens:ratio'),
    // What is paid for KV cache that nobody uses.
    unused: |||
      sum %(by)s (
        max %(byVariant)s (%(cost)s)
        * %(on)s group_left ()
        (1 - max %(byName)s (%(kv)s))
      )
    ||| % {
      by: s.by(s.model),
      byVariant: s.by(s.name + ['model_name']),
      byName: s.by(s.name),
      on: s.on(s.name),
      cost: running,
      kv: s.variants('variant:wva_kv_cache_usage:mean'),
    },
    unknown: 'sum(%s)' % s.ofModel('input_missing', [], 'signal="cost"'),
    limit: 'sum(%s)' % s.everything('wva:cost_budget:max'),
  }
