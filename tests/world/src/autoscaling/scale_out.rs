//! Many launches, spread over time.

use crate::refusal::Refusal;
use crate::simulation::{Happening, Simulation};

/// A launch whose id is known before its moment.
#[derive(Debug)]
pub(crate) struct PlannedLaunch {
    /// Index of its Auto Scaling group.
    group: usize,
    instance_id: String,
    launched: bool,
}

impl Simulation {
    /// Plans `count` launches, evenly spread from now to `seconds` from now: their ids.
    pub(crate) fn launch_over(&mut self, group_name: &str, count: usize, seconds: f64) -> Result<Vec<String>, Refusal> {
        let group = self.scaling_group(group_name)?;
        if !(seconds.is_finite() && seconds >= 0.0) {
            return Err(Refusal::new("ValidationError", "seconds must be 0 or more"));
        }
        self.check_capacity(group, self.scaling_groups[group].desired_capacity + count)?;
        let pauses = count.saturating_sub(1).max(1);
        let mut ids = Vec::with_capacity(count);
        for n in 0..count {
            let instance_id = self.new_instance_id();
            ids.push(instance_id.clone());
            self.planned_launches.push(PlannedLaunch { group, instance_id, launched: false });
            let launch = self.planned_launches.len() - 1;
            self.schedule(seconds * n as f64 / pauses as f64, Happening::LaunchDue { launch });
        }
        Ok(ids)
    }

    pub(crate) fn launch_due(&mut self, launch: usize) {
        let planned = &mut self.planned_launches[launch];
        planned.launched = true;
        let (group, instance_id) = (planned.group, planned.instance_id.clone());
        self.launch_for_one_more(group, instance_id);
    }

    /// The launches planned for a group whose moment has not come.
    pub(super) fn launches_to_come(&self, group: usize) -> usize {
        self.planned_launches.iter().filter(|planned| planned.group == group && !planned.launched).count()
    }
}
