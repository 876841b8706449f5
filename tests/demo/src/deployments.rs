//! The deployments of a rollout, one after the other, and the waits between them.

use comfy_table::{CellAlignment, Table, presets};
use stack::minutes;
use world::DeploymentReport;

/// A deployment that has ended. Times are in world seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment<'a> {
    /// The application.
    pub application: &'a str,
    /// `d-…`
    pub deployment_id: &'a str,
    /// When the deployment became InProgress.
    pub started_at: f64,
    /// How long the deployment took from then on.
    pub seconds: f64,
    /// From the deployment's end to the start of the next, or to the completion of the hook; `None` when nothing followed.
    pub wait_after: Option<f64>,
}

/// A wait between two deployments beside its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// How long the wait was.
    pub seconds: f64,
    /// How long the wait may be: 15 % of the deployment before it, or 15 s, whichever is more.
    pub limit: f64,
}

/// Those of an instance's deployments that have ended, in the order of their start. What follows the last one is the completion of the hook.
pub fn of<'a>(
    deployments: impl Iterator<Item = &'a DeploymentReport>,
    hook_completed_at: Option<f64>,
) -> Vec<Deployment<'a>> {
    let mut ended: Vec<(&DeploymentReport, f64, f64)> =
        deployments.filter_map(|deployment| Some((deployment, deployment.started_at?, deployment.ended_at?))).collect();
    ended.sort_by(|a, b| a.1.total_cmp(&b.1));
    let followed_at = ended.iter().skip(1).map(|(_, started, _)| Some(*started)).chain([hook_completed_at]);
    ended
        .iter()
        .zip(followed_at)
        .map(|(&(deployment, started_at, ended_at), followed_at)| Deployment {
            application: &deployment.application_name,
            deployment_id: &deployment.deployment_id,
            started_at,
            seconds: ended_at - started_at,
            wait_after: followed_at.map(|at| at - ended_at),
        })
        .collect()
}

/// The wait that comes nearest to its limit, or exceeds it by most. `None` with fewer than two deployments.
pub fn worst_gap(deployments: &[Deployment]) -> Option<Gap> {
    let (_, followed) = deployments.split_last()?;
    let gaps = followed.iter().filter_map(|deployment| {
        let limit = (deployment.seconds * 0.15).max(15.0);
        deployment.wait_after.map(|seconds| Gap { seconds, limit })
    });
    gaps.max_by(|a, b| (a.seconds / a.limit).total_cmp(&(b.seconds / b.limit)))
}

/// The deployments as a table; the last row has the sums.
pub fn table(deployments: &[Deployment]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "application",
        "deployment",
        "start",
        "duration",
        "wait after it",
    ]);
    for deployment in deployments {
        let wait = deployment.wait_after.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.0} s"));
        let (start, duration) = (minutes(deployment.started_at), minutes(deployment.seconds));
        table.add_row([deployment.application.to_owned(), deployment.deployment_id.to_owned(), start, duration, wait]);
    }
    let deployed: f64 = deployments.iter().map(|deployment| deployment.seconds).sum();
    let waited: f64 = deployments.iter().filter_map(|deployment| deployment.wait_after).sum();
    table.add_row(["in all", "", "", &minutes(deployed), &format!("{waited:.0} s")]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::setting::tests::with_an_instance;
    use stack::six_applications::{APPLICATIONS, DEPLOYMENT_GROUP};
    use world::Report;

    /// A rollout by hand: after each deployment comes its wait.
    fn roll_out(waits: [f64; 3]) -> Report {
        let (world, _) = with_an_instance();
        for (application, wait) in APPLICATIONS.into_iter().zip(waits) {
            world.deploy(application, DEPLOYMENT_GROUP, None).unwrap();
            while world.report().deployments.last().unwrap().ended_at.is_none() {
                world.advance(1.0);
            }
            let ended_at = world.report().deployments.last().unwrap().ended_at.unwrap();
            world.advance(ended_at + wait - world.now());
        }
        world.report()
    }

    #[test]
    fn a_wait_lasts_until_the_next_deployment_is_in_progress() {
        let report = roll_out([20.0, 30.0, 10.0]);
        let ended_at = report.deployments[2].ended_at.unwrap();
        let deployments = of(report.deployments.iter(), Some(ended_at + 7.5));
        let names: Vec<&str> = deployments.iter().map(|deployment| deployment.application).collect();
        assert_eq!(names, ["Storefront", "Orders", "Invoicing"]);
        let waits = deployments.iter().map(|deployment| (deployment.wait_after.unwrap() * 10.0).round() / 10.0);
        let waits: Vec<f64> = waits.collect();
        assert_eq!(waits, [22.0, 32.0, 7.5], "CodeDeploy takes 2 s from creation to InProgress");
        for pair in deployments.windows(2) {
            let next = pair[0].started_at + pair[0].seconds + pair[0].wait_after.unwrap();
            assert!((next - pair[1].started_at).abs() < 1e-6);
        }
        assert_eq!(of(report.deployments.iter(), None)[2].wait_after, None);
    }

    #[test]
    fn the_worst_gap_is_measured_against_the_deployment_before_it() {
        let took = |seconds, wait_after| Deployment {
            application: "A",
            deployment_id: "d-1",
            started_at: 0.0,
            seconds,
            wait_after,
        };
        for (deployments, worst) in [
            (vec![], None),
            (vec![took(100.0, Some(90.0))], None),
            (vec![took(400.0, Some(30.0)), took(100.0, Some(12.0)), took(50.0, Some(99.0))], Some((12.0, 15.0))),
            (vec![took(400.0, Some(30.0)), took(200.0, Some(13.0)), took(50.0, None)], Some((30.0, 60.0))),
            (vec![took(60.0, Some(16.0)), took(200.0, Some(13.0)), took(50.0, None)], Some((16.0, 15.0))),
        ] {
            assert_eq!(
                worst_gap(&deployments),
                worst.map(|(seconds, limit)| Gap { seconds, limit }),
                "{deployments:?}"
            );
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_deployment_and_the_sums() {
        let deployment = |application, started_at, wait_after| Deployment {
            application,
            deployment_id: "d-ABC",
            started_at,
            seconds: 200.0,
            wait_after,
        };
        let text = table(&[deployment("Orders", 60.0, Some(12.4)), deployment("Search", 272.4, None)]).to_string();
        for line in [["Orders", "d-ABC", "1:00", "3:20", "12 s"], ["Search", "d-ABC", "4:32", "3:20", "–"]] {
            assert!(has_row(&text, &line.join(" ")), "{line:?} in\n{text}");
        }
        assert!(has_row(&text, "in all 6:40 12 s"), "{text}");
    }

    /// Whether a table, or a text, has a row of just these words.
    pub fn has_row(table: &str, words: &str) -> bool {
        table.lines().any(|row| row.trim_matches('│').split_whitespace().eq(words.split(' ')))
    }
}
