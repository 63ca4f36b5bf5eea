// What was decided, whether it is followed, and why it is what it is.
local window = '$__rate_interval';

function(s)
  local on = s.on(s.name);
  local ready = 'max %s (%s)' % [s.by(s.name), s.variants('variant:wva_ready_replicas:kube')];
  local running = s.ofVariant('current_replicas');
  // The word of kube-state-metrics where there is one.
  local serving = '(%s or %s (%s))' % [ready, on, running];
  local perModel(expr) = 'sum %s (%s)' % [s.by(s.model), s.withModel(expr)];
  local held = s.ofVariant('decision_hold', 'reason!~"paused|fixed"', ['reason']);
  // Rules that nobody evaluates say nothing, which is not the same as nothing to say.
  local evaluated = 'count(%s) * 0' % s.variants('variant:wva_variant_rank:last');

  {
    local decisions = self,

    wanted: s.ofVariant('desired_replicas'),
    expected: s.ofVariant('expected_replicas'),
    running: running,
    ready: ready,
    minimum: 'max %s (%s)' % [s.by(s.name), s.variants('variant:wva_min_replicas:kube')],
    maximum: 'max %s (%s)' % [s.by(s.name), s.variants('variant:wva_max_replicas:kube')],
    pending: 'max %s (%s)' % [s.by(s.name), s.variants('variant:wva_pending_replicas:kube')],
    safe: s.recorded('wva:desired_replicas:safe'),
    lastWord: s.recorded('wva:desired_replicas:held'),
    fallback: s.recorded('wva:desired_replicas:fallback'),
    rank: s.withModel(s.ofVariant('variant_rank')),

    wantedOfFleet: 'sum(%s)' % decisions.wanted,
    runningOfFleet: 'sum(%s)' % running,
    readyOfFleet: 'sum(%s)' % ready,
    wantedOfModel: perModel(decisions.wanted),
    runningOfModel: perModel(running),

    // Variants that echo an earlier decision, those that the operator set by hand left out.
    held: 'sum(%s)' % held,
    withdrawn: 'sum(%s)' % s.ofVariant('desired_withdrawn'),
    missing: |||
      sum(clamp_min(
        (%s)
        - %s
        %s,
        0
      ))
    ||| % [decisions.expected, on, serving],
    missingOfVariant: |||
      clamp_min(
        (%s)
        - %s
        %s,
        0
      )
    ||| % [decisions.expected, on, serving],
    // A variant at its maximum while capacity is missing.
    atMaximum: |||
      sum(
        ((%(wanted)s) >= bool %(on)s max %(by)s (%(maximum)s))
        * %(on)s
        ((%(required)s) > bool 0)
      )
    ||| % {
      on: on,
      by: s.by(s.name),
      wanted: decisions.wanted,
      maximum: s.variants('variant:wva_max_replicas:kube'),
      required: s.ofVariant('required_capacity'),
    },
    reasons: s.ofVariant('decision_hold', '', ['reason']),
    changes: |||
      sum %s (%s)
    ||| % [s.by(['direction']), s.chosen(s.ratesOfVariant('replica_scaling', 'increase', window, ['direction']))],
    required: s.ofVariant('required_capacity', '', ['unit']),
    spare: s.ofVariant('spare_capacity', '', ['unit']),

    firing: |||
      count(%s)
      or
      %s
    ||| % [s.everything('ALERTS', 'alertname=~"WVA.+",alertstate="firing"'), evaluated],
    alerts: |||
      max %s (
        %s * 2
        or
        %s
      )
      or
      label_replace(%s, "alertname", "(rules are evaluated)", "", "")
    ||| % [
      s.by(['alertname']),
      s.everything('ALERTS', 'alertname=~"WVA.+",alertstate="firing"'),
      s.everything('ALERTS', 'alertname=~"WVA.+",alertstate="pending"'),
      evaluated,
    ],
  }
