// What the fleet costs an hour, in the currency of wva_config_info. A variant without a configured cost is in no sum.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local hardware = ['namespace', 'model_name', 'accelerator_type', 'variant_name'];
  // A price per hour over a rate per second.
  local per(record, scale, rate) = q.rule(record, |||
    model:wva_current_cost:sum / 3600%(scale)s
    / (%(rate)s > 0)
  ||| % { scale: scale, rate: rate });

  [
    q.rule('variant:wva_cost_per_replica:max', 'max %s (%s)' % [q.by(hardware), q.wva('cost_per_replica')]),
    q.rule('variant:wva_current_cost:max', 'max %s (%s)' % [q.by(hardware), q.wva('current_cost')]),
    q.rule('variant:wva_cost:max', 'max %s (%s)' % [q.by(hardware), q.wva('cost')]),
    q.rule('model:wva_current_cost:sum', 'sum %s (variant:wva_current_cost:max)' % q.by(q.model)),
    q.rule('accelerator:wva_current_cost:sum', 'sum %s (variant:wva_current_cost:max)' % q.by(['accelerator_type'])),
    q.rule('namespace:wva_current_cost:sum', 'sum %s (variant:wva_current_cost:max)' % q.by(['namespace'])),
    q.rule('wva:current_cost:sum', 'sum %s (variant:wva_current_cost:max)' % q.by([])),
    q.rule('wva:cost:sum', 'sum %s (variant:wva_cost:max)' % q.by([])),
    // What the fleet may cost; absent where nobody says.
    q.rule(
      'wva:cost_budget:max',
      if config.costBudgetPerHour == null then 'max %s (%s)' % [q.by([]), q.wva('config_cost_budget')]
      else 'wva:current_cost:sum * 0 + %s' % q.number(config.costBudgetPerHour)
    ),
    // What the safe counts cost, also while the exporter is gone.
    q.rule('variant:wva_safe_cost:max', |||
      wva:desired_replicas:safe
      * %(on)s
      max %(by)s (last_over_time(%(cost)s))
    ||| % {
      on: q.on(q.name),
      by: q.by(q.name),
      cost: q.over('variant:wva_cost_per_replica:max', config.memorySeconds),
    }),
    per('model:wva_cost_per_request:ratio', '', 'model:wva_requests_finished:rate'),
    per('model:wva_cost_per_million_tokens:ratio', ' * 1e6', '(model:wva_prompt_tokens:rate + model:wva_generation_tokens:rate)'),
  ]
