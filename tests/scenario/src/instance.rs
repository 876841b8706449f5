//! What an instance's lifecycle state means for a run.

use world::InstanceReport;

/// Whether the instance is being terminated or has been.
pub fn is_ending(instance: &InstanceReport) -> bool {
    instance.lifecycle_state.contains("Terminat")
}

/// Whether the instance is neither on its way into service, or into the warm pool, nor on its way out, and its root volume is not being
/// replaced. One that is retained is kept where it is.
pub fn is_at_rest(instance: &InstanceReport) -> bool {
    let state = instance.lifecycle_state;
    let on_its_way = ["Pending", "Terminating", "Detaching", "RootVolume"];
    state.ends_with(":Retained") || !on_its_way.iter().any(|part| state.contains(part))
}
