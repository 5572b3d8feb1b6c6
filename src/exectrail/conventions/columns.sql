-- Generated from model.yaml by exectrail.conventions.generate. Do not edit.
-- What the materialized views of storage/migrations extract, and as which type.

-- resource
ResourceAttributes['exectrail.worker.id'] AS worker_id  -- String
toFloat64OrZero(ResourceAttributes['exectrail.worker.lease']) AS lease_s  -- Float64
ResourceAttributes['service.name'] AS service  -- LowCardinality(String)
ResourceAttributes['service.namespace'] AS project  -- LowCardinality(String)
ResourceAttributes['service.version'] AS service_version  -- LowCardinality(String)
ResourceAttributes['deployment.environment.name'] AS environment  -- LowCardinality(String)
ResourceAttributes['host.name'] AS host  -- LowCardinality(String)
toUInt32OrZero(ResourceAttributes['process.pid']) AS pid  -- UInt32

-- span
SpanAttributes['exectrail.execution.id'] AS execution_id  -- String
SpanAttributes['exectrail.execution.parent_id'] AS parent_id  -- String
SpanAttributes['exectrail.execution.root_id'] AS root_id  -- String
SpanAttributes['exectrail.execution.external_id'] AS external_id  -- String
SpanAttributes['exectrail.execution.resume_key'] AS resume_key  -- String
SpanAttributes['exectrail.execution.forked_from'] AS forked_from  -- String
SpanAttributes['exectrail.execution.kind'] AS kind  -- LowCardinality(String)
SpanAttributes['exectrail.execution.name'] AS name  -- LowCardinality(String)
SpanAttributes['exectrail.execution.state'] AS state  -- LowCardinality(String)
SpanAttributes['exectrail.execution.reason'] AS reason  -- LowCardinality(String)
greatest(toUInt32OrZero(SpanAttributes['exectrail.execution.attempt']), 1) AS attempt  -- UInt32
toUInt32OrZero(SpanAttributes['exectrail.execution.iteration']) AS iteration  -- UInt32
toUInt32OrZero(SpanAttributes['exectrail.execution.max_iterations']) AS max_iterations  -- UInt32
SpanAttributes['exectrail.execution.mode'] AS mode  -- LowCardinality(String)
SpanAttributes['exectrail.execution.target_type'] AS target_type  -- LowCardinality(String)
SpanAttributes['exectrail.execution.target_id'] AS target_id  -- String
SpanAttributes['exectrail.trigger.source'] AS trigger_source  -- LowCardinality(String)
SpanAttributes['exectrail.trigger.key'] AS trigger_key  -- String
SpanAttributes['exectrail.trigger.status'] AS trigger_status  -- LowCardinality(String)
SpanAttributes['exectrail.trigger.intent'] AS trigger_intent  -- LowCardinality(String)
toDecimal128OrNull(SpanAttributes['exectrail.cost.amount'], 12) AS cost  -- Nullable(Decimal(38, 12))
SpanAttributes['exectrail.cost.currency'] AS currency  -- LowCardinality(String)
SpanAttributes['exectrail.cost.source'] AS cost_source  -- LowCardinality(String)
SpanAttributes['exectrail.cost.price_version'] AS price_version  -- LowCardinality(String)
SpanAttributes['exectrail.usage.role'] AS usage_role  -- LowCardinality(String)
SpanAttributes['error.type'] AS error_type  -- LowCardinality(String)
SpanAttributes['exception.message'] AS error_message  -- String
SpanAttributes['gen_ai.operation.name'] AS operation  -- LowCardinality(String)
SpanAttributes['gen_ai.provider.name'] AS provider  -- LowCardinality(String)
SpanAttributes['gen_ai.request.model'] AS request_model  -- LowCardinality(String)
SpanAttributes['gen_ai.response.model'] AS response_model  -- LowCardinality(String)
SpanAttributes['gen_ai.response.id'] AS response_id  -- String
toUInt64OrZero(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens  -- UInt64
toUInt64OrZero(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens  -- UInt64
toUInt64OrZero(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) AS cache_read_tokens  -- UInt64
toUInt64OrZero(SpanAttributes['gen_ai.usage.cache_write.input_tokens']) AS cache_write_tokens  -- UInt64
toUInt64OrZero(SpanAttributes['gen_ai.usage.reasoning.output_tokens']) AS reasoning_tokens  -- UInt64
SpanAttributes['gen_ai.workflow.name'] AS workflow  -- LowCardinality(String)
SpanAttributes['gen_ai.agent.name'] AS agent  -- LowCardinality(String)
SpanAttributes['gen_ai.agent.version'] AS agent_version  -- LowCardinality(String)
SpanAttributes['gen_ai.tool.name'] AS tool  -- LowCardinality(String)
SpanAttributes['gen_ai.tool.call.id'] AS tool_call_id  -- String
SpanAttributes['gen_ai.conversation.id'] AS conversation_id  -- String

-- event
LogAttributes['exectrail.execution.id'] AS execution_id  -- String
LogAttributes['exectrail.execution.parent_id'] AS parent_id  -- String
LogAttributes['exectrail.execution.root_id'] AS root_id  -- String
LogAttributes['exectrail.execution.external_id'] AS external_id  -- String
LogAttributes['exectrail.execution.resume_key'] AS resume_key  -- String
LogAttributes['exectrail.execution.checkpoint_id'] AS checkpoint_id  -- String
LogAttributes['exectrail.execution.forked_from'] AS forked_from  -- String
LogAttributes['exectrail.execution.kind'] AS kind  -- LowCardinality(String)
LogAttributes['exectrail.execution.name'] AS name  -- LowCardinality(String)
LogAttributes['exectrail.execution.state'] AS state  -- LowCardinality(String)
LogAttributes['exectrail.execution.previous_state'] AS previous_state  -- LowCardinality(String)
LogAttributes['exectrail.execution.reason'] AS reason  -- LowCardinality(String)
toUInt8(LogAttributes['exectrail.execution.valid'] != 'false') AS valid  -- UInt8
toUInt32OrZero(LogAttributes['exectrail.execution.sequence']) AS sequence  -- UInt32
greatest(toUInt32OrZero(LogAttributes['exectrail.execution.attempt']), 1) AS attempt  -- UInt32
toUInt32OrZero(LogAttributes['exectrail.execution.iteration']) AS iteration  -- UInt32
toUInt32OrZero(LogAttributes['exectrail.execution.max_iterations']) AS max_iterations  -- UInt32
LogAttributes['exectrail.execution.mode'] AS mode  -- LowCardinality(String)
parseDateTime64BestEffortOrNull(LogAttributes['exectrail.execution.deadline'], 6, 'UTC') AS deadline  -- Nullable(DateTime64(6, 'UTC'))
toFloat64OrZero(LogAttributes['exectrail.execution.progress']) AS progress  -- Float64
LogAttributes['exectrail.execution.message'] AS message  -- String
toUInt32OrZero(LogAttributes['exectrail.execution.steps_planned']) AS steps_planned  -- UInt32
toUInt32OrZero(LogAttributes['exectrail.execution.steps_completed']) AS steps_completed  -- UInt32
LogAttributes['exectrail.execution.target_type'] AS target_type  -- LowCardinality(String)
LogAttributes['exectrail.execution.target_id'] AS target_id  -- String
LogAttributes['exectrail.trigger.source'] AS trigger_source  -- LowCardinality(String)
LogAttributes['exectrail.trigger.key'] AS trigger_key  -- String
LogAttributes['exectrail.trigger.status'] AS trigger_status  -- LowCardinality(String)
LogAttributes['exectrail.trigger.intent'] AS trigger_intent  -- LowCardinality(String)
toUInt32OrZero(LogAttributes['exectrail.worker.sequence']) AS worker_sequence  -- UInt32
toUInt32OrZero(LogAttributes['exectrail.worker.open_executions']) AS open_executions  -- UInt32
toInt32OrNull(LogAttributes['exectrail.worker.exit_code']) AS exit_code  -- Nullable(Int32)
LogAttributes['exectrail.worker.signal'] AS signal  -- LowCardinality(String)
toUInt8(LogAttributes['exectrail.worker.oom'] = 'true') AS oom  -- UInt8
toDecimal128OrNull(LogAttributes['exectrail.cost.amount'], 12) AS cost  -- Nullable(Decimal(38, 12))
LogAttributes['exectrail.cost.currency'] AS currency  -- LowCardinality(String)
LogAttributes['exectrail.cost.source'] AS cost_source  -- LowCardinality(String)
LogAttributes['exectrail.cost.price_version'] AS price_version  -- LowCardinality(String)
LogAttributes['exectrail.usage.role'] AS usage_role  -- LowCardinality(String)
toUInt32OrZero(LogAttributes['exectrail.plan.revision']) AS plan_revision  -- UInt32
LogAttributes['exectrail.plan.steps'] AS plan_steps  -- String
LogAttributes['exectrail.result.name'] AS result_name  -- LowCardinality(String)
LogAttributes['exectrail.result.category'] AS result_category  -- LowCardinality(String)
if(LogAttributes['exectrail.result.valid'] = '', NULL, toUInt8(LogAttributes['exectrail.result.valid'] = 'true')) AS result_valid  -- Nullable(UInt8)
LogAttributes['exectrail.result.problem'] AS result_problem  -- String
LogAttributes['exectrail.artifact.name'] AS artifact_name  -- String
LogAttributes['exectrail.artifact.url'] AS artifact_url  -- String
LogAttributes['exectrail.artifact.action'] AS artifact_action  -- LowCardinality(String)
LogAttributes['exectrail.artifact.media_type'] AS artifact_media_type  -- LowCardinality(String)
toUInt64OrNull(LogAttributes['exectrail.artifact.size']) AS artifact_size  -- Nullable(UInt64)
LogAttributes['exectrail.variable.name'] AS variable_name  -- String
LogAttributes['exectrail.variable.type'] AS variable_type  -- LowCardinality(String)
LogAttributes['exectrail.variable.hash'] AS variable_hash  -- String
LogAttributes['exectrail.variable.value'] AS variable_value  -- String
toFloat64OrNull(LogAttributes['exectrail.resource.cpu_time']) AS cpu_seconds  -- Nullable(Float64)
toUInt64OrNull(LogAttributes['exectrail.resource.memory_peak']) AS memory_peak_bytes  -- Nullable(UInt64)
toUInt64OrNull(LogAttributes['exectrail.resource.disk_read']) AS disk_read_bytes  -- Nullable(UInt64)
toUInt64OrNull(LogAttributes['exectrail.resource.disk_write']) AS disk_write_bytes  -- Nullable(UInt64)
LogAttributes['exectrail.resource.scope'] AS resource_scope  -- LowCardinality(String)
toFloat64OrNull(LogAttributes['exectrail.resource.share']) AS resource_share  -- Nullable(Float64)
LogAttributes['error.type'] AS error_type  -- LowCardinality(String)
LogAttributes['exception.message'] AS error_message  -- String
LogAttributes['gen_ai.operation.name'] AS operation  -- LowCardinality(String)
LogAttributes['gen_ai.provider.name'] AS provider  -- LowCardinality(String)
LogAttributes['gen_ai.request.model'] AS request_model  -- LowCardinality(String)
LogAttributes['gen_ai.response.model'] AS response_model  -- LowCardinality(String)
LogAttributes['gen_ai.response.id'] AS response_id  -- String
toUInt64OrZero(LogAttributes['gen_ai.usage.input_tokens']) AS input_tokens  -- UInt64
toUInt64OrZero(LogAttributes['gen_ai.usage.output_tokens']) AS output_tokens  -- UInt64
toUInt64OrZero(LogAttributes['gen_ai.usage.cache_read.input_tokens']) AS cache_read_tokens  -- UInt64
toUInt64OrZero(LogAttributes['gen_ai.usage.cache_write.input_tokens']) AS cache_write_tokens  -- UInt64
toUInt64OrZero(LogAttributes['gen_ai.usage.reasoning.output_tokens']) AS reasoning_tokens  -- UInt64
LogAttributes['gen_ai.workflow.name'] AS workflow  -- LowCardinality(String)
LogAttributes['gen_ai.agent.name'] AS agent  -- LowCardinality(String)
LogAttributes['gen_ai.agent.version'] AS agent_version  -- LowCardinality(String)
LogAttributes['gen_ai.tool.name'] AS tool  -- LowCardinality(String)
LogAttributes['gen_ai.tool.call.id'] AS tool_call_id  -- String
LogAttributes['gen_ai.conversation.id'] AS conversation_id  -- String
