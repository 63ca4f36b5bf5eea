// What is asked of each model and variant.
local engines = import '../lib/engines.libsonnet';

function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local rate(signal) = q.indented(q.rate(signal, config.windowSeconds));
  local ofModel(record, signal) = q.rule(record, 'sum %s (\n%s\n)' % [q.by(q.model), rate(signal)]);
  local inside(signal) = 'sum %s (\n%s\n)' % [q.by(q.model), q.indented(q.level(signal))];

  [
    ofModel('model:wva_requests_finished:rate', 'finished'),
    ofModel('model:wva_prompt_tokens:rate', 'promptTokens'),
    ofModel('model:wva_generation_tokens:rate', 'generationTokens'),
    q.rule('variant:wva_requests_finished:rate', |||
      sum %(by)s (
        (
      %(rate)s
        )
        * %(on)s group_left (variant_name, role)
        wva:engine_role:info
      )
    ||| % { by: q.by(q.variant), rate: q.indented(rate('finished')), on: q.on(q.target) }),
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
    q.rule('model:wva_requests_at_engines:sum', '%s\n+ %s' % [inside('running'), inside('waiting')]),
    q.rule('model:wva_requests_in_system:sum', |||
      (model:wva_requests_at_engines:sum + model:wva_router_queue:sum)
      or
      model:wva_requests_at_engines:sum
    |||),
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
