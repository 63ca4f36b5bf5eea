// The engines' series that the rules read, as wva_exporter/engines lists them; each list in order of preference.
{
  presence: 'vllm:num_requests_running',
  running: 'vllm:num_requests_running',
  waiting: 'vllm:num_requests_waiting',
  kvCacheUsage: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
  finished: 'vllm:request_success_total',
  promptTokens: 'vllm:prompt_tokens_total',
  generationTokens: 'vllm:generation_tokens_total',
  ttft: ['vllm:time_to_first_token_seconds'],
  itl: ['vllm:inter_token_latency_seconds', 'vllm:time_per_output_token_seconds'],
  routerQueue: ['llm_d_epp_flow_control_queue_size', 'inference_extension_flow_control_queue_size'],
}
