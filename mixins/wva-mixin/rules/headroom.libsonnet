// How full replicas, variants and models are, and whether a model has headroom or replicas to spare: the percentage analysis
// of policy wva-v1 (core/saturation.py). A replica of which use or queue is not known is not counted.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local t = config.thresholds;
  local exact = config.compat == 'exact';

  // Samples of an engine under its replica's labels; engines that fell silent are left out.
  local ofReplica(func, expr) = |||
    %(func)s %(by)s (
      (
    %(expr)s
      )
      * %(on)s group_left (variant_name, role, replica)
      wva:engine_role:info
    )
  ||| % { func: func, by: q.by(q.replica), on: q.on(q.target), expr: q.indented(q.indented(expr)) };
  local peak(signal, form) = q.everyEngine(
    signal, function(engine, name) form % ('max_over_time(%s)' % q.over(q.gauge(engine, name), config.windowSeconds))
  );

  local counted(signal) = '(\n%s\n) >= 0 < Inf' % q.indented(q.level(signal));

  // Margin below the threshold, of the replicas that count; a full one no deeper than the threshold itself.
  local margin(series, threshold, other) =
    'clamp_min(%(t)s - %(series)s, -%(t)s) %(counted)s' % {
      t: q.number(threshold),
      series: series,
      counted: if exact then 'and replica:wva_saturated:bool == 0' else 'and ' + other,
    };
  // With N = 1 nothing would remain to take the load over, so there is no such margin.
  local withoutOne(series, threshold) = |||
    %(t)s - (%(t)s - %(series)s) * (%(n)s / (%(n)s - 1 > 0))
  ||| % {
    t: q.number(threshold),
    series: series,
    n: if exact then 'role:wva_replicas_free:count' else 'role:wva_replicas_live:count',
  };

  [
    q.rule('replica:wva_kv_cache_usage:max', ofReplica('max', peak('kvCacheUsage', '%s >= 0 <= 1'))),
    q.rule('replica:wva_queue_length:max', ofReplica('max', peak('queueLength', 'floor(%s >= 0 < Inf)'))),
    q.rule('replica:wva_requests_running:sum', ofReplica('sum', counted('running'))),
    q.rule('replica:wva_requests_waiting:sum', ofReplica('sum', counted('waiting'))),
    q.rule('replica:wva_saturated:bool', |||
      (replica:wva_kv_cache_usage:max >= bool %(kv)s) + (replica:wva_queue_length:max >= bool %(queue)s) > bool 0
    ||| % { kv: q.number(t.kvCache), queue: q.number(t.queue) }),
    q.rule('replica:wva_kv_cache_spare:min', margin('replica:wva_kv_cache_usage:max', t.kvCache, 'replica:wva_queue_length:max')),
    q.rule('replica:wva_queue_spare:min', margin('replica:wva_queue_length:max', t.queue, 'replica:wva_kv_cache_usage:max')),
  ]
  + std.flattenArrays([
    local by = q.by(level.labels);
    [
      q.rule(level.name + ':wva_kv_cache_usage:mean', 'avg %s (replica:wva_kv_cache_usage:max)' % by),
      q.rule(level.name + ':wva_kv_cache_usage:max', 'max %s (replica:wva_kv_cache_usage:max)' % by),
      q.rule(level.name + ':wva_queue_length:max', 'max %s (replica:wva_queue_length:max)' % by),
      q.rule(level.name + ':wva_requests_running:sum', 'sum %s (replica:wva_requests_running:sum)' % by),
      q.rule(level.name + ':wva_requests_waiting:sum', 'sum %s (replica:wva_requests_waiting:sum)' % by),
      q.rule(level.name + ':wva_replicas_live:count', 'count %s (replica:wva_saturated:bool)' % by),
      q.rule(level.name + ':wva_replicas_saturated:sum', 'sum %s (replica:wva_saturated:bool)' % by),
    ]
    for level in [{ name: 'variant', labels: q.variant }, { name: 'model', labels: q.model }]
  ])
  + [
    q.rule('variant:wva_kv_cache_spare:mean', 'avg %s (replica:wva_kv_cache_spare:min)' % q.by(q.variant)),
    q.rule('role:wva_replicas_live:count', 'count %s (replica:wva_saturated:bool)' % q.by(q.role)),
    q.rule('role:wva_replicas_free:count', 'sum %s (1 - replica:wva_saturated:bool)' % q.by(q.role)),
    // 0 where every replica is saturated and none counts (compat exact).
    q.rule('role:wva_kv_cache_spare:mean', |||
      avg %s (replica:wva_kv_cache_spare:min)
      or
      role:wva_replicas_live:count * 0
    ||| % q.by(q.role)),
    q.rule('role:wva_queue_spare:mean', |||
      avg %s (replica:wva_queue_spare:min)
      or
      role:wva_replicas_live:count * 0
    ||| % q.by(q.role)),
    // The same margins after one replica's load moved to the others: load x N / (N - 1).
    q.rule('role:wva_kv_cache_spare_without_one:mean', withoutOne('role:wva_kv_cache_spare:mean', t.kvCache)),
    q.rule('role:wva_queue_spare_without_one:mean', withoutOne('role:wva_queue_spare:mean', t.queue)),
    q.rule('role:wva_needs_growth:bool', |||
      (role:wva_kv_cache_spare:mean < bool %(kv)s) + (role:wva_queue_spare:mean < bool %(queue)s) > bool 0
    ||| % { kv: q.number(t.kvSpare), queue: q.number(t.queueSpare) }),
    q.rule('role:wva_may_shrink:bool', |||
      (role:wva_kv_cache_spare_without_one:mean >= bool %(kv)s)
      * (role:wva_queue_spare_without_one:mean >= bool %(queue)s)
      * (role:wva_replicas_free:count >= bool 2)
      or
      role:wva_replicas_live:count * 0
    ||| % { kv: q.number(t.kvSpare), queue: q.number(t.queueSpare) }),
  ]
