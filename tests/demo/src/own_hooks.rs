//! The launch under CodeDeploy's own hooks: all deployments at once, launch after launch.

use comfy_table::{CellAlignment, Table, presets};
use stack::minutes;
use stack::six_applications::GROUP;
use world::{Clock, HookResult, InstanceReport, Report, SettingError, World};

use crate::setting;

/// World seconds for which the run is watched: several launches.
pub const WATCHED_SECONDS: f64 = 30.0 * 60.0;

/// Launches one instance and watches it and its replacements. Takes no real time.
///
/// # Errors
/// The setting's, if it is wrong.
pub fn run() -> Result<Report, SettingError> {
    let world = World::new(setting::APPLICATIONS.under_own_hooks(), Clock::Manual)?;
    world.launch(GROUP).expect("the setting has the group, and room in it");
    world.advance(WATCHED_SECONDS);
    Ok(world.report())
}

/// What became of one launched instance.
#[derive(Debug, PartialEq)]
pub struct Launch<'a> {
    instance_id: &'a str,
    launched_at: f64,
    succeeded: usize,
    failed: usize,
    /// When the first of its hooks was completed with ABANDON.
    abandoned_at: Option<f64>,
    terminated_at: Option<f64>,
}

impl<'a> Launch<'a> {
    fn of(instance: &'a InstanceReport, report: &Report) -> Self {
        let id = &instance.instance_id;
        let deployments = report.deployments.iter().filter(|deployment| deployment.instance_ids.contains(id));
        let count = |status: &str| deployments.clone().filter(|deployment| deployment.status == status).count();
        let abandoned =
            report.hook_actions.iter().find(|a| a.instance_id == *id && a.result == Some(HookResult::Abandon));
        Launch {
            instance_id: id,
            launched_at: instance.launched_at,
            succeeded: count("Succeeded"),
            failed: count("Failed"),
            abandoned_at: abandoned.and_then(|action| action.closed_at),
            terminated_at: instance.terminated_at,
        }
    }
}

/// The launches, in order.
pub fn launches(report: &Report) -> Vec<Launch<'_>> {
    report.instances.iter().map(|instance| Launch::of(instance, report)).collect()
}

/// The launches as a table.
pub fn table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "launch",
        "instance",
        "launched",
        "succeeded",
        "failed",
        "ABANDON",
        "terminated",
    ]);
    for (index, launch) in launches(report).iter().enumerate() {
        let at = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), minutes);
        table.add_row([
            (index + 1).to_string(),
            launch.instance_id.to_owned(),
            minutes(launch.launched_at),
            launch.succeeded.to_string(),
            launch.failed.to_string(),
            at(launch.abandoned_at),
            at(launch.terminated_at),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_launch_loses_all_but_one_deployment_and_is_repeated() {
        let report = run().unwrap();
        let launches = launches(&report);
        let (last, ended) = launches.split_last().unwrap();
        assert!(ended.len() >= 3, "{launches:#?}");
        for (launch, next) in ended.iter().zip(&launches[1..]) {
            assert_eq!((launch.succeeded, launch.failed), (1, 5));
            assert!(launch.abandoned_at < launch.terminated_at);
            assert_eq!(launch.terminated_at, Some(next.launched_at));
        }
        assert_eq!(last.terminated_at, None, "the group has launched another");
        assert!(report.instances.iter().all(|instance| instance.in_service_at.is_none()));
    }

    #[test]
    fn the_table_has_a_row_for_each_launch() {
        let report = run().unwrap();
        let text = table(&report).to_string();
        assert!(report.instances.iter().all(|instance| text.contains(&instance.instance_id)), "{text}");
    }
}
