//! How the applications passed, one after the other: what the table shows, and what is measured.

use comfy_table::{CellAlignment, Table, presets};
use stack::minutes;
use world::{DeploymentReport, Report};

/// One deployment of a rollout. World seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass<'a> {
    /// The application.
    pub application: &'a str,
    /// `d-…`
    pub deployment_id: &'a str,
    /// When it became InProgress.
    pub started_at: f64,
    /// How long it took from there.
    pub seconds: f64,
    /// From its end to the start of the next, or to the completion of the hook; `None` when nothing followed.
    pub wait_after: Option<f64>,
}

/// A wait between two deployments, with what it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// How long it was.
    pub seconds: f64,
    /// How long it may be: 15 % of the deployment before it, or 15 s, whichever is more.
    pub limit: f64,
}

/// The passes of a report's deployments that ended, in the order of their start, until the hook was completed.
pub fn of(report: &Report, hook_completed_at: Option<f64>) -> Vec<Pass<'_>> {
    let mut ended: Vec<(&DeploymentReport, f64, f64)> = report
        .deployments
        .iter()
        .filter_map(|deployment| Some((deployment, deployment.started_at?, deployment.ended_at?)))
        .collect();
    ended.sort_by(|a, b| a.1.total_cmp(&b.1));
    let followed_at = ended.iter().skip(1).map(|(_, started, _)| Some(*started)).chain([hook_completed_at]);
    ended
        .iter()
        .zip(followed_at)
        .map(|(&(deployment, started_at, ended_at), followed_at)| Pass {
            application: &deployment.application_name,
            deployment_id: &deployment.deployment_id,
            started_at,
            seconds: ended_at - started_at,
            wait_after: followed_at.map(|at| at - ended_at),
        })
        .collect()
}

/// The gap that comes nearest to its limit, or goes farthest beyond it. None with fewer than two deployments.
pub fn worst_gap(passes: &[Pass]) -> Option<Gap> {
    let (_, between) = passes.split_last()?;
    let gaps = between.iter().filter_map(|pass| {
        let limit = (pass.seconds * 0.15).max(15.0);
        pass.wait_after.map(|seconds| Gap { seconds, limit })
    });
    gaps.max_by(|a, b| (a.seconds / a.limit).total_cmp(&(b.seconds / b.limit)))
}

/// The passes as a table; the last row has the sums.
pub fn table(passes: &[Pass]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "application",
        "deployment",
        "start",
        "duration",
        "wait after it",
    ]);
    for pass in passes {
        let wait = pass.wait_after.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.0} s"));
        let (start, duration) = (minutes(pass.started_at), minutes(pass.seconds));
        table.add_row([pass.application.to_owned(), pass.deployment_id.to_owned(), start, duration, wait]);
    }
    let deployed: f64 = passes.iter().map(|pass| pass.seconds).sum();
    let waited: f64 = passes.iter().filter_map(|pass| pass.wait_after).sum();
    table.add_row(["in all", "", "", &minutes(deployed), &format!("{waited:.0} s")]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting;
    use world::{Clock, World};

    /// A rollout by hand: each deployment when the one before it has been over for `wait` seconds.
    fn roll_out(waits: [f64; 3]) -> Report {
        let world = World::new(setting::tests::by_hand(), Clock::Manual).unwrap();
        world.launch(setting::GROUP).unwrap();
        world.advance(60.0);
        for (application, wait) in setting::APPLICATIONS.into_iter().zip(waits) {
            world.deploy(application, setting::DEPLOYMENT_GROUP, None).unwrap();
            while world.report().deployments.last().unwrap().ended_at.is_none() {
                world.advance(1.0);
            }
            let ended_at = world.report().deployments.last().unwrap().ended_at.unwrap();
            world.advance(ended_at + wait - world.now());
        }
        world.report()
    }

    #[test]
    fn the_wait_after_a_deployment_lasts_until_the_next_one_is_in_progress() {
        let report = roll_out([20.0, 30.0, 10.0]);
        let ended_at = report.deployments[2].ended_at.unwrap();
        let passes = of(&report, Some(ended_at + 7.5));
        let names: Vec<&str> = passes.iter().map(|pass| pass.application).collect();
        assert_eq!(names, ["Storefront", "Orders", "Invoicing"]);
        let waits: Vec<f64> = passes.iter().map(|pass| (pass.wait_after.unwrap() * 10.0).round() / 10.0).collect();
        assert_eq!(waits, [22.0, 32.0, 7.5], "CodeDeploy takes 2 s from creation to InProgress");
        for pair in passes.windows(2) {
            let next = pair[0].started_at + pair[0].seconds + pair[0].wait_after.unwrap();
            assert!((next - pair[1].started_at).abs() < 1e-6);
        }
        assert_eq!(of(&report, None)[2].wait_after, None);
    }

    #[test]
    fn the_worst_gap_is_measured_against_the_deployment_before_it() {
        let pass =
            |seconds, wait_after| Pass { application: "A", deployment_id: "d-1", started_at: 0.0, seconds, wait_after };
        for (passes, worst) in [
            (vec![], None),
            (vec![pass(100.0, Some(90.0))], None),
            (vec![pass(400.0, Some(30.0)), pass(100.0, Some(12.0)), pass(50.0, Some(99.0))], Some((12.0, 15.0))),
            (vec![pass(400.0, Some(30.0)), pass(200.0, Some(13.0)), pass(50.0, None)], Some((30.0, 60.0))),
            (vec![pass(60.0, Some(16.0)), pass(200.0, Some(13.0)), pass(50.0, None)], Some((16.0, 15.0))),
        ] {
            assert_eq!(worst_gap(&passes), worst.map(|(seconds, limit)| Gap { seconds, limit }), "{passes:?}");
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_deployment_and_the_sums() {
        let pass = |application, started_at, wait_after| Pass {
            application,
            deployment_id: "d-ABC",
            started_at,
            seconds: 200.0,
            wait_after,
        };
        let text = table(&[pass("Orders", 60.0, Some(12.4)), pass("Search", 272.4, None)]).to_string();
        for line in [["Orders", "d-ABC", "1:00", "3:20", "12 s"], ["Search", "d-ABC", "4:32", "3:20", "–"]] {
            assert!(has_row(&text, &line.join(" ")), "{line:?} in\n{text}");
        }
        assert!(has_row(&text, "in all 6:40 12 s"), "{text}");
    }

    fn has_row(table: &str, words: &str) -> bool {
        table.lines().any(|row| row.trim_matches('│').split_whitespace().eq(words.split(' ')))
    }
}
