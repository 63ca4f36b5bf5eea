// Are targets decided, followed, and plausible?
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local names = import '../lib/names.libsonnet';
  local by = q.by(q.name);
  local on = q.on(q.name);
  local changes(direction) = 'sum %s (%s)' % [
    by,
    q.own('increase(%s)' % q.over(
      q.selector(names.replica_scaling, [config.wvaSelector, 'direction="%s"' % direction]), 1800
    )),
  ];
  // Variants whose model is decided by a policy; the counter has a series for each from the start.
  local decidedBy(matcher) = q.own(q.selector(names.replica_scaling, [config.wvaSelector, 'direction="scale-up"', matcher]));

  [
    {
      name: 'WVAHoldingUnderTraffic',
      severity: 'warning',
      minutes: 10,
      expr: |||
        max %(byReason)s (%(hold)s) == 1
        and %(on)s (
          variant:wva_variant_rank:last
          and %(onModel)s (model:wva_requests_in_system:sum > 0 or model:wva_requests_finished:rate > 0)
        )
      ||| % {
        byReason: q.by(q.name + ['reason']),
        hold: q.wva('decision_hold', 'reason!~"none|paused|fixed"'),
        on: on,
        onModel: q.on(q.model),
      },
      summary: 'A target is held while its model has traffic.',
      description: 'The target of {{ $labels.namespace }}/{{ $labels.variant_name }} echoes an earlier one for 10 minutes, because of {{ $labels.reason }}, while requests come.',
    },
    {
      name: 'WVATargetWithdrawn',
      severity: 'critical',
      minutes: 1,
      expr: |||
        min %(by)s (%(withdrawn)s) == 1
        unless %(on)s
        max %(by)s (%(desired)s)
      ||| % { by: by, on: on, withdrawn: q.wva('desired_withdrawn'), desired: q.wva('desired_replicas') },
      summary: 'A target was withdrawn for want of data.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} had no usable data for longer than the hold time: it has no target, and its scaler stays where it is.',
    },
    {
      name: 'WVASetByHand',
      severity: 'info',
      minutes: config.byHandHours * 60,
      expr: 'max %s (%s) == 1' % [q.by(q.name + ['reason']), q.wvaOver('max_over_time', 'decision_hold', 300, 'reason=~"paused|fixed"')],
      summary: 'A variant is paused or fixed for a long time.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} is {{ $labels.reason }} by configuration and does not follow its load.',
    },
    {
      name: 'WVADesiredNotActuated',
      severity: 'warning',
      minutes: config.notActuatedMinutes,
      expr: |||
        max %(by)s (%(expected)s)
        != %(on)s
        max %(by)s (%(current)s)
      ||| % { by: by, on: on, expected: q.wva('expected_replicas'), current: q.wva('current_replicas') },
      summary: 'Nobody follows a target.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} should have {{ $value }} replicas by now, and has another number: its HPA or ScaledObject does not act, or pods do not start.',
    },
    {
      name: 'WVAAtMaxReplicas',
      severity: 'warning',
      minutes: 10,
      expr: |||
        max %(by)s (%(desired)s) >= %(on)s max %(by)s (variant:wva_max_replicas:kube)
        and %(on)s max %(by)s (%(required)s) > 0
      ||| % { by: by, on: on, desired: q.wva('desired_replicas'), required: q.wva('required_capacity') },
      summary: 'A variant is at its maximum and its model needs more.',
      description: '{{ $labels.namespace }}/{{ $labels.variant_name }} is at {{ $value }} replicas, the maximum of its HPA, and capacity is missing.',
    },
    {
      name: 'WVANoInventory',
      severity: 'warning',
      minutes: 10,
      expr: |||
        sum %(byWorkload)s (
          %(unschedulable)s
          * %(onPod)s group_left (workload)
          (%(owned)s)
        ) > 0
      ||| % {
        byWorkload: q.by(['namespace', 'workload']),
        unschedulable: q.kubePod('kube_pod_status_unschedulable'),
        onPod: q.on(['namespace', 'pod']),
        owned: q.alone('wva:pod_workload:info', ['namespace', 'pod']),
      },
      summary: 'No node has room for a replica that was asked for.',
      description: '{{ $value }} pods of {{ $labels.workload }} in {{ $labels.namespace }} find no node for 10 minutes: the inventory of its accelerator is used up.',
    },
    {
      name: 'WVAFlapping',
      severity: 'warning',
      minutes: 5,
      expr: |||
        %(up)s > %(limit)s
        and
        %(down)s > %(limit)s
      ||| % { up: changes('scale-up'), down: changes('scale-down'), limit: q.number(config.flapsPerHalfHour) },
      summary: 'A target goes up and down and up.',
      description: 'The target of {{ $labels.namespace }}/{{ $labels.variant_name }} rose {{ $value | humanize }} times within half an hour, and fell as often.',
    },
    {
      name: 'WVAEngineAndRulesDisagree',
      severity: 'warning',
      minutes: 10,
      // For policy wva-v1 the numbers are equal while it decides on good data; any other policy must not ask for fewer than
      // there are while replicas are saturated.
      expr: |||
        (
          max %(by)s (%(desired)s) != %(on)s wva:desired_replicas:fallback
          and %(on)s (max %(by)s (%(hold)s) == 0)
          and %(on)s %(v1)s
        )
        or
        (
          max %(by)s (%(desired)s) < %(on)s max %(by)s (%(current)s)
          and %(on)s (max %(by)s (variant:wva_replicas_saturated:sum) > 0)
          unless %(on)s %(v1)s
        )
      ||| % {
        by: by,
        on: on,
        desired: q.wva('desired_replicas'),
        current: q.wva('current_replicas'),
        hold: q.wva('decision_hold'),
        v1: decidedBy('reason=~"wva-v1.*"'),
      },
      summary: 'The exporter and the recording rules come to different counts.',
      description: 'The exporter wants {{ $value }} replicas of {{ $labels.namespace }}/{{ $labels.variant_name }} for 10 minutes and the rules, from the same series, do not: thresholds, bounds or discovery differ between the two.',
    },
    {
      name: 'WVAScaleToZeroWithQueue',
      severity: 'critical',
      minutes: 2,
      expr: |||
        max %(byModel)s (max %(by)s (%(desired)s) * %(on)s group_left (model_name) (variant:wva_variant_rank:last * 0 + 1)) == 0
        and %(onModel)s (model:wva_router_queue:sum > 0)
      ||| % {
        by: by,
        on: on,
        byModel: q.by(q.model),
        onModel: q.on(q.model),
        desired: q.wva('desired_replicas'),
      },
      summary: 'Requests wait for a model that is at zero.',
      description: 'Requests for {{ $labels.model_name }} in {{ $labels.namespace }} wait in the router and every target of the model is 0.',
    },
      {
      name: 'WVACostOverBudget',
      severity: 'warning',
      minutes: 15,
      expr: 'wva:current_cost:sum > %s wva:cost_budget:max' % q.on([]),
      summary: 'The fleet costs more than its budget.',
      description: 'The fleet costs {{ $value | humanize }} an hour, the budget is{{ range query "wva:cost_budget:max" }} {{ .Value | humanize }}{{ end }}.',
    },
  ]
