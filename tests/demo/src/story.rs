//! What has happened to an instance, as sentences in the order of time.

use world::{DeploymentReport, HookActionReport, HookResult, InstanceReport, Report};

/// Something that happened, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When, in world seconds.
    pub at: f64,
    /// What, in a line.
    pub text: String,
}

/// Everything so far about one instance. Of two reports of the same world, the later one's story begins with the earlier one's.
pub fn of(instance_id: &str, report: &Report) -> Vec<Moment> {
    let launch = report.instances.iter().find(|instance| instance.instance_id == instance_id);
    let actions = report.hook_actions.iter().filter(|action| action.instance_id == instance_id);
    let deployments = report.deployments.iter().filter(|d| d.instance_ids.iter().any(|id| id == instance_id));
    let mut moments: Vec<Moment> = deployments
        .flat_map(deployment)
        .chain(actions.flat_map(hook))
        .chain(launch.into_iter().flat_map(life))
        .collect();
    moments.sort_by(|a, b| a.at.total_cmp(&b.at));
    moments
}

fn life(instance: &InstanceReport) -> Vec<Moment> {
    let id = &instance.instance_id;
    [
        (Some(instance.launched_at), format!("{id} is launched")),
        (instance.in_service_at, format!("{id} is InService")),
        (instance.terminated_at, format!("{id} is terminated")),
    ]
    .into_iter()
    .filter_map(moment)
    .collect()
}

fn hook(action: &HookActionReport) -> Vec<Moment> {
    let HookActionReport { instance_id: id, hook, .. } = action;
    let end = match action.result {
        Some(HookResult::Continue) => format!("hook {hook} is completed with CONTINUE"),
        Some(HookResult::Abandon) => format!("hook {hook} is completed with ABANDON"),
        None => format!("hook {hook} is over"),
    };
    [(Some(action.opened_at), format!("{id} waits at hook {hook}")), (action.closed_at, end)]
        .into_iter()
        .filter_map(moment)
        .collect()
}

fn deployment(deployment: &DeploymentReport) -> Vec<Moment> {
    let name = &deployment.application_name;
    let error = deployment.error_code.map(|code| format!(" ({code})")).unwrap_or_default();
    [
        (deployment.started_at, format!("{name}: deployment {} is InProgress", deployment.deployment_id)),
        (deployment.ended_at, format!("{name}: {}{error}", deployment.status)),
    ]
    .into_iter()
    .filter_map(moment)
    .collect()
}

fn moment((at, text): (Option<f64>, String)) -> Option<Moment> {
    at.map(|at| Moment { at, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting;
    use world::{Clock, World};

    #[test]
    fn the_story_only_grows_and_is_in_order() {
        let world = World::new(setting::under_own_hooks(), Clock::Manual).unwrap();
        let id = world.launch(setting::GROUP).unwrap();
        let mut told = Vec::new();
        for _ in 0..60 {
            world.advance(10.0);
            let story = of(&id, &world.report());
            assert_eq!(story[..told.len()], told);
            assert!(story.is_sorted_by(|a, b| a.at <= b.at));
            told = story;
        }
        let texts: Vec<&str> = told.iter().map(|moment| moment.text.as_str()).collect();
        assert_eq!(texts[0], format!("{id} is launched"));
        assert_eq!(texts.last(), Some(&format!("{id} is terminated").as_str()));
        assert!(texts.contains(&"Storefront: Succeeded"), "{texts:#?}");
        assert!(texts.contains(&"Orders: Failed (HEALTH_CONSTRAINTS)"), "{texts:#?}");
    }

    #[test]
    fn another_instance_s_story_is_its_own() {
        let report = crate::before::run().unwrap();
        let [first, second, ..] = report.instances.as_slice() else { panic!("several launches") };
        let story = of(&second.instance_id, &report);
        assert!(story.iter().all(|moment| moment.at >= second.launched_at));
        assert!(story.iter().all(|moment| !moment.text.contains(&first.instance_id)));
        assert_eq!(of("i-unknown", &report), []);
    }
}
