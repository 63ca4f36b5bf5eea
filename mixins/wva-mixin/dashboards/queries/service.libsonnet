// What users notice: time to first token, inter-token latency, and how fast their error budgets burn.
function(s)
  local worst(record, matcher='') = 'max %s (%s)' % [s.by(s.model), s.models(record, matcher)];
  local quantile(signal, share) = worst('model:wva_%s_seconds:quantile' % signal, 'quantile="%s"' % share);
  local burn(signal, window) = worst('model:wva_%s_burn:ratio_rate%s' % [signal, window]);

  {
    ttft(share):: quantile('ttft', share),
    itl(share):: quantile('itl', share),
    ttftBurn(window):: burn('ttft', window),
    itlBurn(window):: burn('itl', window),
    worstBurn(window):: |||
      max %(by)s (
        label_replace(%(ttft)s, "signal", "ttft", "", "")
        or
        label_replace(%(itl)s, "signal", "itl", "", "")
      )
    ||| % {
      by: s.by(s.model),
      ttft: s.models('model:wva_ttft_burn:ratio_rate' + window),
      itl: s.models('model:wva_itl_burn:ratio_rate' + window),
    },
    // Models that spend their budget faster than it comes back.
    missed: |||
      sum(
        (
          %s
        ) > bool 1
      )
    ||| % s.indented(s.indented(self.worstBurn('5m'))),
  }
