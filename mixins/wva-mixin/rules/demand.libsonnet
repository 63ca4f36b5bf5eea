// What is asked of each model and variant.
local engines = import '../lib/engines.libsonnet';

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local rate(name) = 'rate(%s)' % q.over(q.vllm(name), config.windowSeconds);
  local ofModel(record, name) = q.rule(record, 'sum %s (%s)' % [q.by(q.model), rate(name)]);

  [
    ofModel('model:wva_requests_finished:rate', engines.finished),
    ofModel('model:wva_prompt_tokens:rate', engines.promptTokens),
    ofModel('model:wva_generation_tokens:rate', engines.generationTokens),
    q.rule('variant:wva_requests_finished:rate', |||
      sum %(by)s (
        %(rate)s
        * %(on)s group_left (variant_name, role)
        wva:engine_role:info
      )
    ||| % { by: q.by(q.variant), rate: rate(engines.finished), on: q.on(q.target) }),
    // The router's queue under the model that the engines serve.
    q.rule('model:wva_router_queue:sum', |||
      sum %(by)s (
        label_replace((
      %(queues)s
          ),
          "model_name", "$1", "target_model_name", "(.+)")
      )
    ||| % {
      by: q.by(q.model),
      queues: '    ' + std.join('\n    or %s\n    ' % q.on(['namespace', 'model_name', 'target_model_name', 'inference_pool']), [
        'sum %s (%s)' % [q.by(['namespace', 'model_name', 'target_model_name', 'inference_pool']), q.router(name)]
        for name in engines.routerQueue
      ]),
    }),
    q.rule('model:wva_requests_in_system:sum', |||
      (sum %(by)s (%(running)s) + sum %(by)s (%(waiting)s) + model:wva_router_queue:sum)
      or
      (sum %(by)s (%(running)s) + sum %(by)s (%(waiting)s))
    ||| % { by: q.by(q.model), running: q.vllm(engines.running), waiting: q.vllm(engines.waiting) }),
    // Arrivals by flow balance: what leaves, and by how much what is inside grows.
    q.rule('model:wva_requests_offered:rate', |||
      clamp_min(
        model:wva_requests_finished:rate
        + deriv(%s),
        0
      )
    ||| % q.over('model:wva_requests_in_system:sum', config.longWindowSeconds)),
    q.rule('model:wva_requests_in_system:deriv', |||
      deriv(%s)
    ||| % q.over('model:wva_requests_in_system:sum', config.longWindowSeconds)),
  ]
