//! What an instance's lifecycle state means for a run.

use world::InstanceReport;

/// Whether the instance is being terminated or has been.
pub fn is_ending(instance: &InstanceReport) -> bool {
    instance.lifecycle_state.contains("Terminat")
}

/// Whether the instance is neither on its way into service, or into the warm pool, nor on its way out.
pub fn is_at_rest(instance: &InstanceReport) -> bool {
    let state = instance.lifecycle_state;
    !(state.contains("Pending") || state.contains("Terminating"))
}
