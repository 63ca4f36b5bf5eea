// How full the fleet is and what is asked of it.
function(s)
  local mean(record) = 'max %s (%s)' % [s.by(s.model), s.models(record)];
  local ofVariant(record) = 'max %s (%s)' % [s.by(s.name), s.variants(record)];
  local ofReplica(record) = 'max %s (%s)' % [s.by(s.name + ['replica']), s.variants(record)];
  local ofRole(record) = 'max %s (%s)' % [s.by(s.role), s.roles(record)];
  local total(record) = 'sum %s (%s)' % [s.by(s.model), s.models(record)];

  {
    kvOfModel: mean('model:wva_kv_cache_usage:mean'),
    kvPeakOfVariant: ofVariant('variant:wva_kv_cache_usage:max'),
    kvOfReplica: ofReplica('replica:wva_kv_cache_usage:max'),
    waitingOfModel: total('model:wva_requests_waiting:sum'),
    waitingOfVariant: ofVariant('variant:wva_requests_waiting:sum'),
    waitingOfReplica: ofReplica('replica:wva_requests_waiting:sum'),
    inBatchOfModel: total('model:wva_requests_running:sum'),
    inBatchOfReplica: ofReplica('replica:wva_requests_running:sum'),
    queueAtRouter: total('model:wva_router_queue:sum'),
    saturatedOfModel: |||
      sum %(by)s (%(saturated)s)
      /
      (sum %(by)s (%(live)s) > 0)
    ||| % {
      by: s.by(s.model),
      saturated: s.models('model:wva_replicas_saturated:sum'),
      live: s.models('model:wva_replicas_live:count'),
    },
    saturatedOfVariant: ofVariant('variant:wva_replicas_saturated:sum'),
    live: ofVariant('variant:wva_replicas_live:count'),

    offered: total('model:wva_requests_offered:rate'),
    finished: total('model:wva_requests_finished:rate'),
    offeredOfFleet: 'sum(%s)' % s.models('model:wva_requests_offered:rate'),
    finishedOfFleet: 'sum(%s)' % s.models('model:wva_requests_finished:rate'),
    finishedOfVariant: ofVariant('variant:wva_requests_finished:rate'),
    promptTokens: total('model:wva_prompt_tokens:rate'),
    generationTokens: total('model:wva_generation_tokens:rate'),

    kvSpare: ofRole('role:wva_kv_cache_spare:mean'),
    kvSpareWithoutOne: ofRole('role:wva_kv_cache_spare_without_one:mean'),
    queueSpare: ofRole('role:wva_queue_spare:mean'),
    queueSpareWithoutOne: ofRole('role:wva_queue_spare_without_one:mean'),
    kvSpareOfVariant: ofVariant('variant:wva_kv_cache_spare:mean'),
    tokensUsed: s.ofVariant('kv_tokens_used'),
    tokensCapacity: s.ofVariant('kv_tokens_capacity'),
    tokensUsedOfModel: 'sum(%s)' % s.ofVariant('kv_tokens_used'),
    tokensCapacityOfModel: 'sum(%s)' % s.ofVariant('kv_tokens_capacity'),
  }
