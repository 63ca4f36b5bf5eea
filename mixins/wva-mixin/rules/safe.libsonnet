// The desired count that outlives the exporter: its fresh word, else its last word for the hold time, else the PromQL decision.
//
// A copy of the exporter whose cycle hangs still serves old numbers, and after a crash of exporter and Prometheus together a dead
// number stays visible: only the age of the last cycle tells, so it is judged per copy before any maximum. `last_over_time` does
// not see that a series ended, so a withdrawal is a positive word (`wva_desired_withdrawn` 1), and so is the operator's.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local by = q.by(q.name);
  local on = q.on(q.name);
  local fresh(expr) = |||
    %(expr)s
    and %(copy)s (abs(time() - %(cycle)s) < %(age)s)
  ||| % { expr: expr, copy: q.on(q.copy), cycle: q.wva('last_cycle'), age: q.number(config.freshSeconds) };
  // The last word of each copy, for the hold time; what a fresh copy says goes first.
  local lastWord(func, record, seconds) = '%(func)s %(by)s (%(record)s) or %(func)s %(by)s (last_over_time(%(over)s))' % {
    func: func,
    by: by,
    record: record,
    over: q.over(record, seconds),
  };

  [
    q.rule('wva:desired_replicas:fresh', fresh(q.wva('desired_replicas'))),
    q.rule('wva:desired_withdrawn:fresh', fresh(q.wva('desired_withdrawn'))),
    q.rule('wva:decision_hold:fresh', fresh(q.wva('decision_hold'))),
    // 1 where the operator's word, pause or a fixed number, is the target.
    q.rule('wva:desired_by_hand:max', |||
      max %(by)s (wva:decision_hold:fresh{reason=~"paused|fixed"} == bool 1)
      or
      max %(by)s (wva:decision_hold:fresh) * 0
    ||| % { by: by }),

    q.rule('wva:desired_replicas:held', |||
      max %(by)s (wva:desired_replicas:fresh)
      or
      (
        max %(by)s (last_over_time(%(over)s))
        unless %(on)s
        (%(withdrawn)s) == 1
      )
    ||| % {
      by: by,
      on: on,
      over: q.over('wva:desired_replicas:fresh', config.holdSeconds),
      withdrawn: lastWord('min', 'wva:desired_withdrawn:fresh', config.holdSeconds),
    }),

    // V1, for variants whose engines number their ready replicas; not below the current count unless the exporter decides on
    // good data itself and every variant of the model is seen whole.
    q.rule('wva:desired_replicas:fallback', |||
      max %(by)s (
        (
          variant:wva_current_replicas:kube > variant:wva_desired_replicas:v1
          unless %(on)s (
            (min %(by)s (wva:decision_hold:fresh) == 0)
            and %(on)s (variant:wva_variant_rank:last and %(onModel)s model:wva_seen_whole:bool == 1)
          )
        )
        or
        variant:wva_desired_replicas:v1
      )
      and %(on)s variant:wva_seen_whole:bool == 1
    ||| % { by: by, on: on, onModel: q.on(q.model) }),

    // What scalers should read, under either label that they look for the namespace in. While no copy is fresh the PromQL decision may raise the held word, and follows it; a variant
    // that the operator set by hand is left alone.
    q.rule('wva:desired_replicas:safe', q.asStored(|||
      max %(by)s (wva:desired_replicas:fresh)
      or
      (
        (wva:desired_replicas:fallback unless %(on)s last_over_time(%(byHand)s) == 1)
        > %(on)s
        wva:desired_replicas:held
      )
      or
      wva:desired_replicas:held
      or
      (wva:desired_replicas:fallback unless %(on)s last_over_time(%(byHand)s) == 1)
    ||| % { by: by, on: on, byHand: q.over('wva:desired_by_hand:max', config.memorySeconds) })),
  ]
