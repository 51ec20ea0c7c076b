//! The engine: every setting, with its reason. It never runs a guest.

use std::num::NonZeroUsize;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    Strategy,
};

use crate::limits::{
    CORE_INSTANCES_MAX, EXECUTORS_MAX, MAPS_PER_INSTANCE, MAPS_SPARE, MEMORIES_MAX, SLOT_TABLES,
    TABLE_ELEMENTS_MAX, TABLES_MAX, TRAP_FRAMES_MAX,
};

/// What distinguishes the code of this engine from that of others with the same version.
pub(crate) const PROFILE: &str = "metered";

/// The smallest pool that is tried before the start fails.
const INSTANCES_MIN: u32 = 16;

/// The engine and how many instances its pool holds for tasks.
pub(crate) struct Pooled {
    pub(crate) engine: Engine,
    pub(crate) instances: u32,
}

/// Makes the engine with the largest pool up to `instances_max` that this machine bears.
pub(crate) fn start(instances_max: u32) -> wasmtime::Result<Pooled> {
    let instances_max = instances_max.max(1);
    let instances_min = INSTANCES_MIN.min(instances_max);
    let mut instances = instances_max.min(mappable_instances()).max(instances_min);
    loop {
        match Engine::new(&config(instances)) {
            Ok(engine) => {
                if instances < instances_max {
                    tracing::warn!(
                        instances_max,
                        instances,
                        "this machine holds a smaller pool: raise vm.max_map_count for a larger one"
                    );
                }
                return Ok(Pooled { engine, instances });
            }
            Err(error) if instances > instances_min => {
                tracing::debug!(instances, %error, "the pool does not fit");
                instances = (instances / 2).max(instances_min);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The kernel bounds the memory maps of a process, and each live instance takes some.
fn mappable_instances() -> u32 {
    let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let Some(maps) = maps else { return u32::MAX };
    let instances = maps.saturating_sub(MAPS_SPARE) / MAPS_PER_INSTANCE;
    u32::try_from(instances).unwrap_or(u32::MAX).saturating_sub(EXECUTORS_MAX)
}

fn config(instances: u32) -> Config {
    let mut config = Config::new();
    config
        // The one compiler with a record for code that nobody trusts.
        .strategy(Strategy::Cranelift)
        // Where the guest's own address space ends, hardware says so; checks in code cost twice.
        .signals_based_traps(true)
        // Data is mapped, not copied, when an instance starts.
        .memory_init_cow(true)
        // A cold start waits for the compiler, so it may use the cores.
        .parallel_compilation(true)
        // Registering unwind tables grows badly with the number of modules, and nobody needs them.
        .native_unwind_info(false)
        // Enough to see where a guest trapped; bounded, as it goes into a message.
        .wasm_backtrace_max_frames(NonZeroUsize::new(TRAP_FRAMES_MAX));
    meter(&mut config);
    narrow(&mut config);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    config
}

/// Fuel both measures and preempts: a guest yields with each slice.
fn meter(config: &mut Config) {
    let mut cost = OperatorCost::new();
    // Growing makes the host work, so it is not free. More than this does not fit the field.
    cost.variable.memory_grow_per_page = u8::MAX;
    config
        .consume_fuel(true)
        .operator_cost(cost)
        // On top of fuel, epochs cost tight loops another 1.2 to 2.2 times and stop nothing more.
        .epoch_interruption(false)
        // A guest's stack overflows before the host's does: the rest is for host calls.
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        // Stacks go from one tenant to the next.
        .async_stack_zeroing(true);
}

/// What the language may do: what a limit does not see, or what differs by machine, is off.
fn narrow(config: &mut Config) {
    config
        // Memories of 64 bits lose the guard pages that make bounds checks free.
        .wasm_memory64(false)
        // The same result on every processor.
        .wasm_relaxed_simd(true)
        .relaxed_simd_deterministic(true)
        .wasm_multi_memory(true)
        .wasm_component_model(true);
    // Threads, garbage collection and stack switching are not even compiled into the engine.
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let slots = instances.saturating_add(EXECUTORS_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        // Only counted, never laid out: so many that the slots of memories are what ends first.
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(SLOT_TABLES))
        .total_stacks(slots)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memories_per_module(MEMORIES_MAX.min(slots))
        .max_tables_per_module(MEMORIES_MAX)
        // Python and JavaScript components exceed the default of 1 MiB.
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        // Interpreters and Go need more than the default of 20 000.
        .table_elements(TABLE_ELEMENTS_MAX)
        // Clearing what a small guest touched by hand is cheaper than giving it back to the kernel.
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(32 << 10)
        .decommit_batch_size(8)
        .max_unused_warm_slots(100)
        // Where the kernel tells which pages were touched, only those are cleared.
        .pagemap_scan(Enabled::Auto);
    pool
}
