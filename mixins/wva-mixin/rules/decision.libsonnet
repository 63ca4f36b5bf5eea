// Policy wva-v1 in pure PromQL: one replica up on the cheapest variant of a role, one down on the dearest, none while one is on
// its way. `wva_variant_rank` orders variants by cost, then name, so that PromQL never orders names.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local exact = config.compat == 'exact';
  local onRole = q.on(q.role);

  // 1 for the variant of each role that comes first (min) or last (max) by rank among those that may move, 0 for the others.
  local pick(record, func, mayMove, flag) = q.rule(record, |||
    (
      (
        %(mayMove)s
        == %(onRole)s group_left ()
        %(func)s %(by)s (%(mayMove)s)
      ) * 0 + 1
      and %(onRole)s %(flag)s == 1
      and %(onRole)s role:wva_pending_replicas:sum == 0
    )
    or
    variant:wva_current_replicas:kube * 0
  ||| % { mayMove: mayMove, onRole: onRole, func: func, by: q.by(q.role), flag: flag });

  [
    pick(
      'variant:wva_grows:bool', 'min',
      if exact then '(variant:wva_variant_rank:last and variant:wva_current_replicas:kube)'
      else '(variant:wva_variant_rank:last and variant:wva_current_replicas:kube unless variant:wva_current_replicas:kube >= variant:wva_max_replicas:kube)',
      'role:wva_needs_growth:bool'
    ),
    pick(
      'variant:wva_shrinks:bool', 'max',
      '(variant:wva_variant_rank:last and (variant:wva_current_replicas:kube > 1)%s)'
      % (if exact then '' else ' unless variant:wva_current_replicas:kube <= variant:wva_min_replicas:kube'),
      '(role:wva_may_shrink:bool > role:wva_needs_growth:bool)'
    ),
    q.rule('variant:wva_stepped_replicas:sum', |||
      variant:wva_current_replicas:kube + variant:wva_grows:bool - variant:wva_shrinks:bool
    |||),
    // Within the HPA's bounds, except while a role waits for a replica: then it stays as it is.
    q.rule('variant:wva_desired_replicas:v1', |||
      (
        (variant:wva_current_replicas:kube and %(onRole)s role:wva_pending_replicas:sum > 0)
        or
        (variant:wva_max_replicas:kube < variant:wva_stepped_replicas:sum)
        or
        (variant:wva_min_replicas:kube > variant:wva_stepped_replicas:sum)
        or
        variant:wva_stepped_replicas:sum
      )
      and %(onRole)s role:wva_replicas_live:count
    ||| % { onRole: onRole }),
    // 1 where the engines that are seen number the ready replicas, for a variant and for all variants of a model.
    q.rule('variant:wva_seen_whole:bool', |||
      (variant:wva_replicas_live:count or variant:wva_ready_replicas:kube * 0) == bool variant:wva_ready_replicas:kube
    |||),
    q.rule('model:wva_seen_whole:bool', 'min %s (variant:wva_seen_whole:bool)' % q.by(q.model)),
  ]
